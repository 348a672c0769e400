// GetDataAvailability and FindMissing: what the ledger says, and nothing else.
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/time/civil_time.h>
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "repositories/errors.h"
#include "repositories/row.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::DaysOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::LineAt;
using ::testing::SizeIs;

template <typename Request>
Request Over(absl::CivilDay first, int days) {
  Request request;
  *request.mutable_days() = DaysOf(DayOf(first), DayOf(first + (days - 1)));
  return request;
}

const absl::CivilDay kMay(2026, 5, 1);

class CompletenessTest : public testing::CollectionsTest {
 protected:
  v1::FindMissingResponse Find(const v1::FindMissingRequest& request) {
    auto response = Call(&CollectionRepository::FindMissing, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : v1::FindMissingResponse();
  }

  v1::GetDataAvailabilityResponse Availability(const v1::GetDataAvailabilityRequest& request) {
    auto response = Call(&CollectionRepository::GetDataAvailability, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : v1::GetDataAvailabilityResponse();
  }

  void Know(const std::string& device) {
    database_.Execute("INSERT INTO aquifer.devices (device_id) VALUES ('" + device + "')");
  }

  void Note(const std::string& device, absl::CivilDay day, const std::string& state) {
    database_.Execute(absl::StrCat(
        "INSERT INTO aquifer.fetch_outcomes (device_id, day, state, error, attempts) VALUES ('",
        device, "', '", absl::FormatCivilTime(day), "', '", state, "', ",
        state == "failed" ? "'timed out', 3" : "'', 1", ")"));
  }

  // "day device STATE" of each.
  static std::vector<std::string> Texts(const v1::FindMissingResponse& response) {
    std::vector<std::string> texts;
    for (const auto& missing : response.missing()) {
      texts.push_back(
          absl::StrCat(DayText(missing.day()), " ", missing.device_id(), " ",
                       v1::FetchState_Name(missing.state()).substr(sizeof("FETCH_STATE_") - 1)));
    }
    return texts;
  }
};

class DomainRule4CompletenessTest : public CompletenessTest {};

TEST_F(DomainRule4CompletenessTest, DayWithLinesButNoOutcomeIsMissing) {
  ASSERT_TRUE(Record(LineAt("2026-05-01 10:00:00").Device("7").Notes(1)).ok());

  const auto response = Find(Over<v1::FindMissingRequest>(kMay, 1));

  EXPECT_THAT(Texts(response), ElementsAre("2026-05-01 7 NEVER"));
  EXPECT_EQ(response.never_fetched(), 1);
  EXPECT_FALSE(response.missing(0).has_recorded_at());
}

TEST_F(DomainRule4CompletenessTest, OnlyARecordedSuccessIsComplete) {
  for (const char* device : {"1", "2", "3", "4"}) Know(device);
  Note("1", kMay, "ok");
  Note("2", kMay, "empty");
  Note("3", kMay, "failed");

  const auto response = Find(Over<v1::FindMissingRequest>(kMay, 1));

  EXPECT_THAT(Texts(response),
              ElementsAre("2026-05-01 2 EMPTY", "2026-05-01 3 FAILED", "2026-05-01 4 NEVER"));
  EXPECT_EQ(response.never_fetched(), 1);
  EXPECT_EQ(response.failed(), 1);
  EXPECT_EQ(response.empty(), 1);
  EXPECT_EQ(response.missing(1).attempts(), 3);
  EXPECT_EQ(response.missing(1).error(), "timed out");
  EXPECT_TRUE(response.missing(1).has_recorded_at());
}

TEST_F(DomainRule4CompletenessTest, CompleteRangeMissesNothing) {
  Know("1");
  Note("1", kMay, "ok");

  const auto response = Find(Over<v1::FindMissingRequest>(kMay, 1));

  EXPECT_THAT(response.missing(), IsEmpty());
  EXPECT_EQ(response.never_fetched() + response.failed() + response.empty(), 0);
  EXPECT_THAT(response.next_page_token(), IsEmpty());
}

TEST_F(DomainRule4CompletenessTest, AvailabilityTellsLinesFromOutcomes) {
  ASSERT_TRUE(RecordAll({LineAt("2026-10-25 00:00:00").Device("1").Notes(100),
                         LineAt("2026-10-25 23:59:59").Device("1").Coins(5),
                         LineAt("2026-10-25 12:00:00").Device("2").Notes(1),
                         LineAt("2026-10-26 00:00:00").Device("2").Notes(1)})
                  .ok());
  const absl::CivilDay sunday(2026, 10, 25);
  Note("1", sunday, "ok");
  Note("2", sunday, "failed");
  Note("3", sunday - 1, "empty");
  auto request = Over<v1::GetDataAvailabilityRequest>(sunday - 1, 3);

  const auto all = Availability(request);
  request.add_device_ids("1");
  const auto one = Availability(request);

  ASSERT_THAT(all.days(), SizeIs(3));
  EXPECT_EQ(DayText(all.days(0).day()), "2026-10-24");
  EXPECT_EQ(all.days(0).lines(), 0);
  EXPECT_EQ(all.days(0).fetched_empty(), 1);
  EXPECT_EQ(all.days(1).lines(), 3);
  EXPECT_EQ(all.days(1).devices(), 2);
  EXPECT_EQ(all.days(1).total_minor(), 106);
  EXPECT_EQ(all.days(1).fetched_ok(), 1);
  EXPECT_EQ(all.days(1).fetch_failed(), 1);
  EXPECT_EQ(all.days(2).lines(), 1);
  EXPECT_EQ(all.days(2).fetched_ok(), 0);
  ASSERT_THAT(one.days(), SizeIs(3));
  EXPECT_EQ(one.days(1).lines(), 2);
  EXPECT_EQ(one.days(1).fetch_failed(), 0);
  EXPECT_EQ(one.days(2).lines(), 0);
}

TEST_F(CompletenessTest, NamedDevicesNeedNotBeKnown) {
  Know("1");
  auto request = Over<v1::FindMissingRequest>(kMay, 1);
  for (const char* id : {"new", "new", "1"}) request.add_device_ids(id);

  EXPECT_THAT(Texts(Find(request)), ElementsAre("2026-05-01 1 NEVER", "2026-05-01 new NEVER"));
}

TEST_F(CompletenessTest, StatesAskedForAreTheOnlyOnesCounted) {
  for (const char* device : {"1", "2", "3"}) Know(device);
  Note("1", kMay, "failed");
  Note("2", kMay, "empty");
  auto request = Over<v1::FindMissingRequest>(kMay, 1);
  request.add_states(v1::FETCH_STATE_FAILED);

  const auto response = Find(request);

  EXPECT_THAT(Texts(response), ElementsAre("2026-05-01 1 FAILED"));
  EXPECT_EQ(response.failed(), 1);
  EXPECT_EQ(response.never_fetched(), 0);
  EXPECT_EQ(response.empty(), 0);
}

TEST_F(CompletenessTest, RefusesOverLongRangesAndTheStateOk) {
  auto missing = Over<v1::FindMissingRequest>(kMay, 401);
  missing.add_states(v1::FETCH_STATE_OK);

  const auto found = Call(&CollectionRepository::FindMissing, missing);
  const auto available = Call(&CollectionRepository::GetDataAvailability,
                              Over<v1::GetDataAvailabilityRequest>(kMay, 401));

  EXPECT_EQ(ReasonOf(found.status()), "INVALID_FIELDS");
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("days"));
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("states[0]"));
  EXPECT_EQ(ReasonOf(available.status()), "INVALID_FIELDS");
  EXPECT_THAT(Availability(Over<v1::GetDataAvailabilityRequest>(kMay, 400)).days(), SizeIs(400));
}

TEST_F(CompletenessTest, TokenOfAnotherRangeIsRefused) {
  Know("1");
  auto request = Over<v1::FindMissingRequest>(kMay, 3);
  request.set_page_size(1);
  const std::string token = Find(request).next_page_token();
  auto other = Over<v1::FindMissingRequest>(kMay, 4);
  other.set_page_token(token);

  EXPECT_EQ(ReasonOf(Call(&CollectionRepository::FindMissing, other).status()),
            "PAGE_TOKEN_MISMATCH");
}

// Random ledgers against a model, in pages of every size, over days from the parameter on.
class CompletenessModelTest : public CompletenessTest,
                              public ::testing::WithParamInterface<absl::CivilDay> {};

INSTANTIATE_TEST_SUITE_P(ChangeOvers, CompletenessModelTest,
                         ::testing::Values(absl::CivilDay(2026, 3, 27),
                                           absl::CivilDay(2026, 10, 23)));

TEST_P(CompletenessModelTest, PagesTogetherAreWhatTheModelMisses) {
  std::mt19937 random(4);
  const auto pick = [&random](int below) { return static_cast<int>(random() % below); };
  const absl::CivilDay first = GetParam();
  std::map<std::pair<absl::CivilDay, std::string>, std::string> ledger;
  std::set<std::string> known;
  for (int device = 0; device < 9; ++device) {
    known.insert(absl::StrCat("d", device));
    Know(absl::StrCat("d", device));
    for (int day = -1; day < 6; ++day) {
      // On one day in the middle every fetch succeeded.
      const std::string state =
          day == 2 ? "ok" : std::vector<std::string>{"ok", "ok", "empty", "failed", ""}[pick(5)];
      if (state.empty()) continue;
      Note(absl::StrCat("d", device), first + day, state);
      ledger[{first + day, absl::StrCat("d", device)}] = state;
    }
  }
  const std::map<v1::FetchState, std::string> states = {{v1::FETCH_STATE_NEVER, "NEVER"},
                                                        {v1::FETCH_STATE_FAILED, "FAILED"},
                                                        {v1::FETCH_STATE_EMPTY, "EMPTY"}};

  for (int round = 0; round < 60; ++round) {
    const int days = 1 + pick(6);
    auto request = Over<v1::FindMissingRequest>(first, days);
    std::set<std::string> devices = known;
    if (pick(3) == 0) {
      devices = {"d1", "d5", "unknown"};
      for (const auto& device : devices) request.add_device_ids(device);
    }
    std::set<std::string> wanted = {"NEVER", "FAILED", "EMPTY"};
    if (pick(3) == 0) {
      const auto chosen = std::next(states.begin(), pick(3));
      wanted = {chosen->second};
      request.add_states(chosen->first);
    }
    std::vector<std::string> expected;
    std::map<std::string, int> counts;
    for (int day = 0; day < days; ++day) {
      for (const auto& device : devices) {
        const auto noted = ledger.find({first + day, device});
        std::string state = "NEVER";
        if (noted != ledger.end()) state = absl::AsciiStrToUpper(noted->second);
        if (!wanted.count(state)) continue;
        expected.push_back(
            absl::StrCat(absl::FormatCivilTime(first + day), " ", device, " ", state));
        ++counts[state];
      }
    }
    request.set_page_size(1 + pick(12));

    std::vector<std::string> walked;
    do {
      const auto page = Find(request);
      for (const auto& text : Texts(page)) walked.push_back(text);
      ASSERT_EQ(page.never_fetched(), counts["NEVER"]);
      ASSERT_EQ(page.failed(), counts["FAILED"]);
      ASSERT_EQ(page.empty(), counts["EMPTY"]);
      ASSERT_LE(page.missing_size(), request.page_size());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());

    ASSERT_EQ(walked, expected);
  }
}

}  // namespace
}  // namespace aquifer
