// Fetch outcomes noted together get what each request would have got alone.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/testing/collections_test.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

class JoinedOutcomesTest : public testing::CollectionsTest {
 protected:
  std::vector<std::string> Together(const std::vector<v1::RecordFetchOutcomesRequest>& requests) {
    std::vector<std::string> answers;
    for (const auto& answer : Join(&CollectionRepository::RecordFetchOutcomesJoined, requests)) {
      answers.push_back(answer && answer->ok() ? (*answer)->DebugString() : "none");
    }
    return answers;
  }

  std::string Ledger() {
    return Value(
        "SELECT string_agg(concat_ws(' ', device_id, day, state, lines, error, attempts), "
        "', ' ORDER BY day, device_id) FROM aquifer.fetch_outcomes");
  }
};

// Random outcomes of few device-days, some of which contradict themselves, several to a request.
TEST_F(JoinedOutcomesTest, SetsNoteWhatOneByOneNotes) {
  std::mt19937 random(20261122);
  const auto pick = [&](int n) { return static_cast<int>(random() % n); };
  std::vector<v1::RecordFetchOutcomesRequest> requests(120);
  for (auto& request : requests) {
    for (int i = pick(5); i >= 0; --i) {
      v1::FetchOutcome& outcome = *request.add_outcomes();
      outcome.set_device_id(pick(20) == 0 ? "" : absl::StrCat("d\"", pick(4)));
      *outcome.mutable_day() = testing::DayOf(2026, 3, 1 + pick(3));
      outcome.set_state(static_cast<v1::FetchState>(pick(5)));
      outcome.set_lines(pick(3));
      if (outcome.state() == v1::FETCH_STATE_FAILED) outcome.set_error(absl::StrCat(pick(2)));
    }
  }

  std::vector<std::string> together;
  for (std::size_t begin = 0; begin < requests.size();) {
    const std::size_t end = std::min<std::size_t>(requests.size(), begin + 1 + pick(20));
    for (auto& answer : Together({requests.begin() + begin, requests.begin() + end})) {
      together.push_back(std::move(answer));
    }
    begin = end;
  }
  const std::string noted_together = Ledger();
  database_.Execute("TRUNCATE aquifer.fetch_outcomes");

  std::vector<std::string> alone;
  for (const auto& request : requests) {
    const auto answer = Call(&CollectionRepository::RecordFetchOutcomes, request);
    alone.push_back(answer.ok() ? answer->DebugString() : "none");
  }

  EXPECT_EQ(together, alone);
  EXPECT_EQ(noted_together, Ledger());
  EXPECT_THAT(noted_together, ::testing::HasSubstr(" ok "));
}

}  // namespace
}  // namespace aquifer
