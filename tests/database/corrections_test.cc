// A correction outlasts the re-fetches of what it set right.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "repositories/migrations.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/stored_lines.h"

namespace aquifer {
namespace {

using testing::LineAt;

constexpr char kAt[] = "2026-03-28 14:05:09";

class DomainRule2CorrectionTest : public testing::CollectionsTest {
 protected:
  // What storing a line answers, one of each way to store it.
  using Way = std::function<v1::RecordOutcome(const v1::CollectionLine&)>;

  std::vector<Way> Ways() {
    return {
        [this](const v1::CollectionLine& line) { return Record(line)->outcome(); },
        [this](const v1::CollectionLine& line) { return RecordAll({line})->results(0).outcome(); },
        [this](const v1::CollectionLine& line) {
          v1::ImportCollectionsRequest part;
          *part.add_lines() = line;
          const auto counts = Call(&CollectionRepository::ImportCollections, part)->counts();
          return counts.unchanged() == 1  ? v1::RECORD_OUTCOME_UNCHANGED
                 : counts.updated() == 1  ? v1::RECORD_OUTCOME_UPDATED
                 : counts.inserted() == 1 ? v1::RECORD_OUTCOME_INSERTED
                                          : v1::RECORD_OUTCOME_UNSPECIFIED;
        },
    };
  }

  // A correction of the line of kAt, which tests change to what they are about.
  v1::CorrectCollectionRequest Correction() {
    const auto line =
        database_.Execute("SELECT id, version FROM aquifer.collections ORDER BY id LIMIT 1")[0];
    v1::CorrectCollectionRequest request;
    request.set_id(line[0].as<std::int64_t>());
    request.set_version(line[1].as<std::int64_t>());
    request.set_reason("counted again");
    return request;
  }

  void CorrectNotes(std::int64_t minor) {
    v1::CorrectCollectionRequest request = Correction();
    request.set_banknotes_minor(minor);
    ASSERT_TRUE(Call(&CollectionRepository::CorrectCollection, request).ok());
  }

  std::string Stored() {
    return Value(
        "SELECT concat_ws(' ', banknotes, coins, collector, version) FROM aquifer.collections");
  }
};

TEST_F(DomainRule2CorrectionTest, ALoweredLineStaysLoweredHoweverItIsFetchedAgain) {
  const v1::CollectionLine line = LineAt(kAt).Notes(15200).Coins(300).Collector("raw");
  ASSERT_TRUE(Record(line).ok());
  CorrectNotes(15000);

  for (const Way& store : Ways()) {
    EXPECT_EQ(store(line), v1::RECORD_OUTCOME_UNCHANGED);
    EXPECT_EQ(store(LineAt(kAt).Notes(99900).Coins(99900)), v1::RECORD_OUTCOME_UNCHANGED);
    EXPECT_EQ(Stored(), "150.00 3.00 raw 2");
  }
}

TEST_F(DomainRule2CorrectionTest, LinesOfOneBatchMeetTheCorrectionToo) {
  ASSERT_TRUE(Record(LineAt(kAt).Notes(15200)).ok());
  CorrectNotes(15000);

  const auto answer = RecordAll({LineAt(kAt).Notes(15200), LineAt(kAt).Notes(15300),
                                 LineAt(kAt).Notes(15300), LineAt(kAt).Coins(5).Note("n")});

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(testing::OutcomesOf(*answer), "UNCHANGED UNCHANGED UNCHANGED UPDATED");
  EXPECT_EQ(Stored(), "150.00 0.00  3");
}

TEST_F(DomainRule2CorrectionTest, ACollectorThatWasSetOrEmptiedStays) {
  for (const char* right : {"Olena", ""}) {
    const v1::CollectionLine line = LineAt(kAt).Notes(100).Collector("raw");
    ASSERT_TRUE(Record(line).ok());
    v1::CorrectCollectionRequest correction = Correction();
    correction.set_collector(right);
    ASSERT_TRUE(Call(&CollectionRepository::CorrectCollection, correction).ok());

    for (const Way& store : Ways()) EXPECT_EQ(store(line), v1::RECORD_OUTCOME_UNCHANGED);

    EXPECT_EQ(Stored(), std::string("1.00 0.00 ") + right + " 2");
    database_.Execute("DELETE FROM aquifer.collections");
  }
}

TEST_F(DomainRule2CorrectionTest, TextsTheCorrectionDidNotTouchAreStillFilled) {
  for (std::size_t way = 0; way < Ways().size(); ++way) {
    ASSERT_TRUE(Record(LineAt(kAt).Notes(15200)).ok());
    CorrectNotes(15000);
    const v1::CollectionLine line =
        LineAt(kAt).Notes(15200).Coins(5).Collector("raw").Card("7").Note("n").Machine("m");

    EXPECT_EQ(Ways()[way](line), v1::RECORD_OUTCOME_UPDATED);
    EXPECT_EQ(Ways()[way](line), v1::RECORD_OUTCOME_UNCHANGED);

    EXPECT_EQ(Stored(), "150.00 0.00  3");
    EXPECT_EQ(Value("SELECT concat_ws(' ', card_id, note, machine) FROM aquifer.collections"),
              "7 n m");
    database_.Execute("DELETE FROM aquifer.collections");
  }
}

TEST_F(DomainRule2CorrectionTest, AnUncorrectedLineIsStillRaised) {
  ASSERT_TRUE(Record(LineAt(kAt).Notes(100)).ok());
  CorrectNotes(50);
  const char* const kOther = "2026-03-28 14:05:13";
  ASSERT_TRUE(Record(LineAt(kOther).Notes(100)).ok());

  std::int64_t notes = 100;
  for (const Way& store : Ways()) {
    EXPECT_EQ(store(LineAt(kOther).Notes(++notes)), v1::RECORD_OUTCOME_UPDATED);
  }

  EXPECT_EQ(Value("SELECT banknotes FROM aquifer.collections ORDER BY id DESC LIMIT 1"), "1.03");
}

TEST_F(DomainRule2CorrectionTest, AnotherCorrectionRaisesTheLineAgain) {
  ASSERT_TRUE(Record(LineAt(kAt).Notes(15200)).ok());
  CorrectNotes(15000);
  CorrectNotes(20000);

  EXPECT_EQ(Record(LineAt(kAt).Notes(30000))->outcome(), v1::RECORD_OUTCOME_UNCHANGED);

  EXPECT_EQ(Stored(), "200.00 0.00  3");
}

TEST_F(DomainRule2CorrectionTest, EveryAnswerShowsWhenTheLineWasCorrected) {
  const auto recorded = Record(LineAt(kAt).Notes(15200));
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  EXPECT_FALSE(recorded->collection().has_corrected_at());
  v1::CorrectCollectionRequest correction = Correction();
  correction.set_coins_minor(100);

  const auto corrected = Call(&CollectionRepository::CorrectCollection, correction);
  const auto again = Record(LineAt(kAt).Notes(15200));
  const auto filled = Record(LineAt(kAt).Notes(15200).Note("n"));
  v1::GetCollectionRequest get;
  get.set_id(correction.id());
  const auto got = Call(&CollectionRepository::GetCollection, get);
  const auto listed = Call(&CollectionRepository::ListCollections, v1::ListCollectionsRequest());

  ASSERT_TRUE(corrected.ok() && again.ok() && filled.ok() && got.ok() && listed.ok());
  const std::string at = corrected->collection().corrected_at().DebugString();
  EXPECT_EQ(at, corrected->collection().updated_at().DebugString());
  EXPECT_EQ(again->collection().corrected_at().DebugString(), at);
  EXPECT_EQ(filled->collection().corrected_at().DebugString(), at);
  EXPECT_EQ(got->collection().corrected_at().DebugString(), at);
  EXPECT_EQ(listed->collections(0).corrected_at().DebugString(), at);
}

TEST_F(DomainRule2CorrectionTest, LinesCorrectedBeforeTheColumnCameKeepTheirCorrection) {
  ASSERT_TRUE(Record(LineAt(kAt).Notes(15200)).ok());
  CorrectNotes(15000);
  ASSERT_TRUE(Record(LineAt(kAt).Device("other").Notes(15200)).ok());
  const std::string times =
      "SELECT string_agg(COALESCE(corrected_at::text, 'never'), ', ' ORDER BY id) "
      "FROM aquifer.collections";
  const std::string before = Value(times);
  const Migration& migration = Migrations()[6];
  ASSERT_EQ(migration.name, "corrections_last");

  database_.Execute(std::string(migration.down_sql));
  database_.Execute(std::string(migration.up_sql));

  EXPECT_EQ(Value(times), before);
}

}  // namespace
}  // namespace aquifer
