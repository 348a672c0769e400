// Calls answered together get what each would have got alone.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/collections_test.h"

namespace aquifer {
namespace {

using ::testing::ElementsAre;
using testing::LineAt;

class JoinedCallsTest : public testing::CollectionsTest {
 protected:
  auto JoinRecords(const std::vector<v1::CollectionLine>& lines) {
    std::vector<v1::RecordCollectionRequest> requests(lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) *requests[i].mutable_line() = lines[i];
    return Join(&CollectionRepository::RecordCollectionJoined, requests);
  }

  // Every line as it is stored, but for its id and its times of change.
  std::string Stored() {
    return Value(
        "SELECT string_agg(concat_ws(',', device_id, collected_at, banknotes, coins, collector,"
        " card_id, note, machine, version), ';' ORDER BY device_id, collected_at)"
        " FROM aquifer.collections");
  }
};

template <typename Response>
std::string Described(const std::optional<absl::StatusOr<Response>>& answer) {
  if (!answer) return "again";
  return answer->ok() ? (*answer)->DebugString() : std::string(answer->status().message());
}

std::string OutcomeOf(const std::optional<absl::StatusOr<v1::RecordCollectionResponse>>& answer) {
  if (!answer) return "again";
  if (!answer->ok()) return std::string(ReasonOf(answer->status()));
  return v1::RecordOutcome_Name((*answer)->outcome()).substr(sizeof("RECORD_OUTCOME_") - 1);
}

std::vector<std::string> OutcomesOf(
    const std::vector<std::optional<absl::StatusOr<v1::RecordCollectionResponse>>>& answers) {
  std::vector<std::string> outcomes;
  for (const auto& answer : answers) outcomes.push_back(OutcomeOf(answer));
  return outcomes;
}

TEST_F(JoinedCallsTest, ReadsByIdAndByKeyAreAnsweredAsAlone) {
  std::vector<v1::GetCollectionRequest> requests;
  for (const char* time : {"2026-03-28 14:05:09", "2026-03-28 15:00:00", "2026-03-29 08:00:00"}) {
    const auto stored = Record(LineAt(time).Notes(152000).Collector("Вася"));
    ASSERT_TRUE(stored.ok());
    requests.emplace_back().set_id(stored->collection().id());
    auto& key = *requests.emplace_back().mutable_key();
    key.set_device_id(testing::kDevice);
    *key.mutable_collected_at() = stored->collection().collected_at();
  }
  requests.push_back(requests[1]);
  requests.emplace_back().set_id(404);
  requests.emplace_back().mutable_key()->set_device_id("no, \"such\" {device}");
  requests.back().mutable_key()->mutable_collected_at()->set_seconds(1774699509);

  const auto together = Join(&CollectionRepository::GetCollectionJoined, requests);

  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::optional alone = Call(&CollectionRepository::GetCollection, requests[i]);
    EXPECT_EQ(Described(together[i]), Described(alone)) << i;
  }
}

TEST_F(JoinedCallsTest, ExistenceIsAnsweredAsAlone) {
  for (const char* time : {"2026-03-28 14:05:09", "2026-03-28 15:00:00"}) {
    ASSERT_TRUE(Record(LineAt(time).Notes(100)).ok());
  }
  std::vector<v1::CheckCollectionExistsRequest> requests;
  for (const int day : {27, 28, 29}) {
    requests.emplace_back().set_device_id(testing::kDevice);
    requests.back().mutable_day()->set_year(2026);
    requests.back().mutable_day()->set_month(3);
    requests.back().mutable_day()->set_day(day);
    requests.emplace_back().set_device_id(testing::kDevice);
    requests.back().mutable_collected_at()->set_seconds(1774699509 + (day - 28));
  }

  const auto together = Join(&CollectionRepository::CheckCollectionExistsJoined, requests);

  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::optional alone = Call(&CollectionRepository::CheckCollectionExists, requests[i]);
    EXPECT_EQ(Described(together[i]), Described(alone)) << i;
  }
}

TEST_F(JoinedCallsTest, EachLineHasItsOwnOutcome) {
  ASSERT_TRUE(Record(LineAt("2026-03-28 08:00:00").Notes(100).Coins(50)).ok());
  ASSERT_TRUE(Record(LineAt("2026-03-28 09:00:00").Notes(100).Coins(50)).ok());

  const auto answers = JoinRecords({
      LineAt("2026-03-28 08:00:00").Notes(100),             // nothing new
      LineAt("2026-03-28 09:00:00").Notes(100).Coins(70),   // more coins
      LineAt("2026-03-28 10:00:00").Notes(100),             // the first of its key
      LineAt("2026-03-28 11:00:00"),                        // nothing taken
      LineAt("2026-03-29 03:30:00").Notes(100),             // skipped by the clocks
      LineAt("2026-03-29 03:30:00"),                        // the same, with nothing taken
      LineAt("2026-03-28 12:00:00").NotesText("1520,000"),  // no amount of money
  });

  EXPECT_THAT(OutcomesOf(answers),
              ElementsAre("UNCHANGED", "UPDATED", "INSERTED", "SKIPPED", "INVALID_FIELDS",
                          "INVALID_FIELDS", "INVALID_FIELDS"));
  EXPECT_EQ((*answers[0])->collection().coins_minor(), 50);
  EXPECT_EQ((*answers[1])->collection().coins_minor(), 70);
  EXPECT_EQ((*answers[1])->collection().version(), 2);
  EXPECT_EQ((*answers[2])->collection().banknotes_minor(), 100);
}

TEST_F(JoinedCallsTest, LinesOfOneKeyComeOneAfterAnother) {
  const auto answers = JoinRecords({
      LineAt("2026-03-28 08:00:00").Notes(100),
      LineAt("2026-03-28 08:00:00").Notes(300),            // the most, so it comes first
      LineAt("2026-03-28 08:00:00").Notes(100).Coins(70),  // adds to it
      LineAt("2026-03-28 08:00:00").Notes(300),            // a repeat
  });

  EXPECT_THAT(OutcomesOf(answers), ElementsAre("UNCHANGED", "INSERTED", "again", "UNCHANGED"));
  for (const int index : {0, 1, 3}) {
    EXPECT_EQ((*answers[index])->collection().banknotes_minor(), 300);
    EXPECT_EQ((*answers[index])->collection().version(), 1);
  }
}

TEST_F(JoinedCallsTest, FormsOfOneTimeAreNotMixed) {
  ASSERT_TRUE(Record(LineAt("2026-03-28 08:00:00").Notes(100)).ok());

  const auto answers = JoinRecords({
      LineAt("2026-03-28 08:00:00").Notes(100),
      LineAt("").Instant("2026-03-28T06:00:00Z").Notes(200),             // the same key
      LineAt("2026-03-28 08:00:00").Notes(300),                          // after it
      LineAt("").Device("7").Instant("2026-03-28T06:00:00Z").Notes(200)  // another device's
  });

  EXPECT_THAT(OutcomesOf(answers), ElementsAre("UNCHANGED", "again", "again", "INSERTED"));
  EXPECT_EQ((*answers[0])->collection().banknotes_minor(), 100);
}

// Random lines of few keys, some by instant and some by wall time, stored by sets in one database
// and, in the order that the sets put them, one by one in another: the same outcomes, and the same
// lines in the end.
TEST_F(JoinedCallsTest, SetsStoreWhatLinesOneByOneStore) {
  std::mt19937 random(20261120);
  const auto pick = [&](int n) { return static_cast<int>(random() % n); };
  std::deque<v1::CollectionLine> waiting;
  for (int i = 0; i < 300; ++i) {
    LineAt line(absl::StrCat("2026-10-25 0", pick(6), ":00:00"));
    // The same keys as instants.
    if (pick(3) == 0) line.Instant(absl::StrCat("2026-10-25T0", pick(4), ":00:00Z"));
    line.Device(absl::StrCat(pick(5))).Notes(pick(4) * 100).Coins(pick(3) * 50);
    if (pick(3) == 0) line.Collector("Вася");
    if (pick(4) == 0) line.Note("a, \"note\"");
    if (pick(5) == 0) line.Machine("left");
    waiting.push_back(line);
  }

  std::vector<v1::CollectionLine> in_order;
  std::vector<std::string> together;
  const auto note = [&](const v1::CollectionLine& line, const std::string& outcome) {
    in_order.push_back(line);
    together.push_back(outcome);
  };
  while (!waiting.empty()) {
    const auto size = std::min<std::size_t>(waiting.size(), 1 + pick(40));
    const std::vector<v1::CollectionLine> set(waiting.begin(), waiting.begin() + size);
    waiting.erase(waiting.begin(), waiting.begin() + size);
    const std::vector<std::string> outcomes = OutcomesOf(JoinRecords(set));
    // What changed something came before what was unchanged by it.
    for (std::size_t i = 0; i < size; ++i) {
      if (outcomes[i] == "INSERTED" || outcomes[i] == "UPDATED") note(set[i], outcomes[i]);
    }
    for (std::size_t i = 0; i < size; ++i) {
      if (outcomes[i] == "UNCHANGED" || outcomes[i] == "SKIPPED") note(set[i], outcomes[i]);
    }
    for (std::size_t i = size; i-- > 0;) {
      if (outcomes[i] == "again") waiting.push_front(set[i]);
    }
  }
  const std::string stored_together = Stored();
  database_.Execute("TRUNCATE aquifer.collections CASCADE");

  std::vector<std::string> alone;
  for (const v1::CollectionLine& line : in_order) alone.push_back(OutcomeOf(Record(line)));

  EXPECT_EQ(in_order.size(), 300u);
  EXPECT_EQ(together, alone);
  EXPECT_EQ(stored_together, Stored());
}

}  // namespace
}  // namespace aquifer
