#include "server/database/schema_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repositories/errors.h"

namespace aquifer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Migration kThree[] = {{1, "one", "", "", "c1", true},
                                {2, "two", "", "", "c2", true},
                                {3, "three", "", "", "c3", false}};

MigrationRecord Applied(int version, const std::string& name) {
  MigrationRecord record;
  record.version = version;
  record.name = name;
  record.checksum = "c" + std::to_string(version);
  return record;
}

MigrationRecord InState(MigrationRecord record, MigrationState state) {
  record.state = state;
  return record;
}

std::vector<int> VersionsOf(const absl::StatusOr<std::vector<Migration>>& plan) {
  EXPECT_TRUE(plan.ok()) << plan.status();
  std::vector<int> versions;
  for (const Migration& migration : plan.value()) versions.push_back(migration.version);
  return versions;
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(SchemaStateTest, UpGoesFromWhatIsAppliedToTheEnd) {
  EXPECT_THAT(VersionsOf(PlanUp(kThree, {}, {})), ElementsAre(1, 2, 3));
  EXPECT_THAT(VersionsOf(PlanUp(kThree, {Applied(1, "one")}, {})), ElementsAre(2, 3));
}

TEST(SchemaStateTest, UpStopsAtTheVersionOrAfterTheSteps) {
  EXPECT_THAT(VersionsOf(PlanUp(kThree, {}, {.to = 2, .steps = {}})), ElementsAre(1, 2));
  EXPECT_THAT(VersionsOf(PlanUp(kThree, {}, {.to = {}, .steps = 1})), ElementsAre(1));
}

TEST(SchemaStateTest, UpTriesAFailedOneAgain) {
  const auto failed = InState(Applied(2, "two"), MigrationState::kFailed);

  EXPECT_THAT(VersionsOf(PlanUp(kThree, {Applied(1, "one"), failed}, {})), ElementsAre(2, 3));
}

TEST(SchemaStateTest, UnknownVersionIsRefused) {
  EXPECT_THAT(MessageOf(PlanUp(kThree, {}, {.to = 4, .steps = {}}).status()),
              HasSubstr("no version 4"));
  EXPECT_FALSE(PlanDown(kThree, {}, {.to = -1, .steps = {}}).ok());
  EXPECT_FALSE(PlanUp(kThree, {}, {.to = {}, .steps = 0}).ok());
}

TEST(SchemaStateTest, DownGoesBackOneStepUnlessTold) {
  const std::vector<MigrationRecord> all = {Applied(1, "one"), Applied(2, "two"),
                                            Applied(3, "three")};

  EXPECT_THAT(VersionsOf(PlanDown(kThree, all, {})), ElementsAre(3));
  EXPECT_THAT(VersionsOf(PlanDown(kThree, all, {.to = {}, .steps = 2})), ElementsAre(3, 2));
  EXPECT_THAT(VersionsOf(PlanDown(kThree, all, {.to = 0, .steps = {}})), ElementsAre(3, 2, 1));
  EXPECT_THAT(VersionsOf(PlanDown(kThree, {}, {})), IsEmpty());
}

TEST(SchemaStateTest, DownTakesBackWhatWasCutOffOnlyOutsideATransaction) {
  const auto cut_off = InState(Applied(3, "three"), MigrationState::kApplying);
  const auto failed = InState(Applied(2, "two"), MigrationState::kFailed);

  EXPECT_THAT(VersionsOf(PlanDown(kThree, {Applied(1, "one"), Applied(2, "two"), cut_off}, {})),
              ElementsAre(3));
  EXPECT_THAT(VersionsOf(PlanDown(kThree, {Applied(1, "one"), failed}, {})), ElementsAre(1));
}

TEST(SchemaStateTest, DownRefusesWhatItDoesNotKnow) {
  const auto plan = PlanDown(
      kThree, {Applied(1, "one"), Applied(2, "two"), Applied(3, "three"), Applied(4, "four")}, {});

  EXPECT_THAT(MessageOf(plan.status()), HasSubstr("0004_four"));
}

TEST(SchemaStateTest, EditedMigrationIsNamed) {
  MigrationRecord edited = Applied(2, "two");
  edited.checksum = "other";
  const std::vector<MigrationRecord> records = {Applied(1, "one"), edited};

  EXPECT_THAT(MessageOf(CheckApplied(kThree, records)), HasSubstr("0002_two"));
  EXPECT_FALSE(PlanUp(kThree, records, {}).ok());
  EXPECT_FALSE(PlanDown(kThree, records, {}).ok());
}

TEST(SchemaStateTest, GapIsNamed) {
  EXPECT_THAT(MessageOf(CheckApplied(kThree, {Applied(1, "one"), Applied(3, "three")})),
              HasSubstr("0002_two is not applied"));
}

TEST(SchemaStateTest, ValidateNamesUnknownAndUnfinishedOnes) {
  const std::vector<MigrationRecord> newer = {Applied(1, "one"), Applied(2, "two"),
                                              Applied(3, "three"), Applied(4, "four")};
  const auto failed = InState(Applied(2, "two"), MigrationState::kFailed);

  EXPECT_TRUE(CheckApplied(kThree, newer).ok());
  EXPECT_THAT(MessageOf(CheckAll(kThree, newer)), HasSubstr("0004_four"));
  EXPECT_THAT(MessageOf(CheckAll(kThree, {Applied(1, "one"), failed})),
              HasSubstr("0002_two failed"));
  EXPECT_TRUE(CheckAll(kThree, {Applied(1, "one")}).ok());
}

TEST(SchemaStateTest, WindowNamesTheFirstMissingMigration) {
  const absl::Status status = CheckWindow(kThree, {Applied(1, "one")}, {.min = 3, .max = 5});

  EXPECT_EQ(ReasonOf(status), "SCHEMA_MISMATCH");
  EXPECT_THAT(MessageOf(status), HasSubstr("0002_two is missing"));
}

TEST(SchemaStateTest, WindowAcceptsNewerUpToItsEnd) {
  std::vector<MigrationRecord> records = {Applied(1, "one"), Applied(2, "two"), Applied(3, "three"),
                                          Applied(4, "four")};
  EXPECT_TRUE(CheckWindow(kThree, records, {.min = 3, .max = 4}).ok());

  records.push_back(Applied(5, "five"));
  const absl::Status status = CheckWindow(kThree, records, {.min = 3, .max = 4});

  EXPECT_EQ(ReasonOf(status), "SCHEMA_MISMATCH");
  EXPECT_THAT(MessageOf(status), HasSubstr("schema version 5"));
}

TEST(SchemaStateTest, WindowDoesNotCountAFailedMigration) {
  const auto failed = InState(Applied(3, "three"), MigrationState::kFailed);

  EXPECT_FALSE(
      CheckWindow(kThree, {Applied(1, "one"), Applied(2, "two"), failed}, {.min = 3, .max = 5})
          .ok());
}

}  // namespace
}  // namespace aquifer
