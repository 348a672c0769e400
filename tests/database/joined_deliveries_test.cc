// Deliveries recorded together get what each would have got alone.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/jobs_test.h"

namespace aquifer {
namespace {

using testing::DeliveryBy;
using ::testing::ElementsAre;

constexpr char kOne[] = "token-one";
constexpr char kTwo[] = "token-two";

class JoinedDeliveriesTest : public testing::JobsTest {
 protected:
  using Answer = std::optional<absl::StatusOr<v1::RecordDeliveryResponse>>;

  // "created changed may_send SENT of 1", or the error's reason.
  static std::string Said(const Answer& answer) {
    if (!answer) return "again";
    if (!answer->ok()) return ReasonOf(answer->status());
    const v1::RecordDeliveryResponse& response = **answer;
    EXPECT_GT(response.delivery().recorded_at().seconds(), 0);
    return absl::StrCat(
        response.created() ? "created " : "", response.changed() ? "changed " : "",
        response.may_send() ? "may_send " : "",
        v1::DeliveryState_Name(response.delivery().state()).substr(sizeof("DELIVERY_STATE_") - 1),
        " of ", response.delivery().attempt(), " to ", response.delivery().chat_id());
  }

  std::vector<std::string> Together(const std::vector<v1::RecordDeliveryRequest>& requests) {
    std::vector<std::string> said;
    for (const auto& answer : Join(&JobRepository::RecordDeliveryJoined, requests)) {
      said.push_back(Said(answer));
    }
    return said;
  }

  // Begins the run of `key`, or takes it over.
  void Acquire(const std::string& key, const std::string& token) {
    auto request = testing::BeginBy(token);
    request.set_key(key);
    LetLeasesRunOut();
    const auto begun = Call(&JobRepository::BeginJobRun, request);
    ASSERT_TRUE(begun.ok());
    ASSERT_EQ(begun->outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
  }

  std::string Stored() {
    return Value(
        "SELECT string_agg(concat_ws(',', run.key, chat_id, delivery.state, delivery.attempt,"
        " error), ';' ORDER BY run.key, chat_id)"
        " FROM aquifer.deliveries AS delivery JOIN aquifer.job_runs AS run ON run.id = run_id");
  }
};

TEST_F(JoinedDeliveriesTest, EachHasItsOwnAnswer) {
  ASSERT_TRUE(Begin(kOne).ok());
  ASSERT_TRUE(Deliver(kOne, 1, v1::DELIVERY_STATE_SENT).ok());
  ASSERT_TRUE(Deliver(kOne, 2, v1::DELIVERY_STATE_CLAIMED).ok());
  ASSERT_TRUE(Deliver(kOne, 3, v1::DELIVERY_STATE_CLAIMED).ok());
  LetLeasesRunOut();
  ASSERT_EQ(Begin(kTwo)->run().attempt(), 2);
  std::vector<v1::RecordDeliveryRequest> requests = {
      DeliveryBy(kTwo, 1, v1::DELIVERY_STATE_CLAIMED),  // is sent
      DeliveryBy(kTwo, 2, v1::DELIVERY_STATE_CLAIMED),  // in doubt, and left so
      DeliveryBy(kTwo, 3, v1::DELIVERY_STATE_CLAIMED),  // in doubt, and to be sent again
      DeliveryBy(kTwo, 4, v1::DELIVERY_STATE_FAILED),   // new
      DeliveryBy(kOne, 5, v1::DELIVERY_STATE_CLAIMED),  // by who lost the lease
      DeliveryBy(kOne, 6, v1::DELIVERY_STATE_SENT),     // the same, who sent all the same
      DeliveryBy(kTwo, 7, v1::DELIVERY_STATE_SENT),     // of no run
      DeliveryBy(kTwo, 8, v1::DELIVERY_STATE_SENT),     // with an error
  };
  requests[2].set_resend_in_doubt(true);
  requests[3].set_error("blocked, \"they\" {say}");
  requests[6].set_key("another");
  requests[7].set_error("no");

  EXPECT_THAT(
      Together(requests),
      ElementsAre("SENT of 1 to 1", "CLAIMED of 1 to 2", "changed may_send CLAIMED of 2 to 3",
                  "created changed FAILED of 2 to 4", "LEASE_LOST",
                  "created changed SENT of 2 to 6", "JOB_RUN_NOT_FOUND", "INVALID_FIELDS"));
  EXPECT_EQ(Value("SELECT error FROM aquifer.deliveries WHERE chat_id = 4"),
            "blocked, \"they\" {say}");
}

TEST_F(JoinedDeliveriesTest, CallsAboutOneChatComeOneAfterAnother) {
  ASSERT_TRUE(Begin(kOne).ok());

  EXPECT_THAT(Together({DeliveryBy(kOne, 1, v1::DELIVERY_STATE_CLAIMED),
                        DeliveryBy(kOne, 1, v1::DELIVERY_STATE_SENT),
                        DeliveryBy(kOne, 1, v1::DELIVERY_STATE_CLAIMED),
                        DeliveryBy(kTwo, 1, v1::DELIVERY_STATE_CLAIMED),
                        DeliveryBy(kTwo, 2, v1::DELIVERY_STATE_CLAIMED),
                        DeliveryBy(kTwo, 2, v1::DELIVERY_STATE_CLAIMED)}),
              ElementsAre("created changed may_send CLAIMED of 1 to 1", "again",
                          "may_send CLAIMED of 1 to 1", "again", "LEASE_LOST", "LEASE_LOST"));
}

// Deliveries to few chats of two runs, at random, while the runs are taken over and one is
// finished; by sets, and in the order that the sets put them one by one: the same answers, the same
// records.
TEST_F(JoinedDeliveriesTest, SetsRecordWhatOneByOneRecords) {
  std::mt19937 random(20261121);
  const auto pick = [&](int n) { return static_cast<int>(random() % n); };
  // What happens to the runs before a set, or before a single delivery; and the delivery.
  struct Event {
    std::string acquired_key;
    std::string acquired_token;
    v1::RecordDeliveryRequest request;
  };
  std::vector<Event> in_order;
  std::vector<std::string> together;
  std::deque<v1::RecordDeliveryRequest> waiting;
  int tokens = 0;
  for (int round = 0; round < 60; ++round) {
    if (round % 4 == 0) {
      const std::string key = absl::StrCat("run-", round / 4 % 2);
      const std::string token = absl::StrCat("token-", ++tokens);
      Acquire(key, token);
      in_order.push_back({key, token, {}});
      together.emplace_back();
    }
    for (int i = pick(20); i >= 0; --i) {
      auto& request = waiting.emplace_back();
      request.set_job(testing::kJob);
      request.set_key(absl::StrCat("run-", pick(3)));
      request.set_lease_token(absl::StrCat("token-", std::max(1, tokens - pick(3))));
      request.set_chat_id(1 + pick(12));
      request.set_state(static_cast<v1::DeliveryState>(1 + pick(3)));
      request.set_resend_in_doubt(pick(2) == 0);
      if (request.state() == v1::DELIVERY_STATE_FAILED) request.set_error(absl::StrCat(pick(2)));
    }
    const auto size = std::min<std::size_t>(waiting.size(), 1 + pick(25));
    const std::vector<v1::RecordDeliveryRequest> set(waiting.begin(), waiting.begin() + size);
    waiting.erase(waiting.begin(), waiting.begin() + size);
    const std::vector<std::string> said = Together(set);
    ASSERT_NE(said[0], "again");
    for (std::size_t i = 0; i < size; ++i) {
      if (said[i] == "again") continue;
      in_order.push_back({"", "", set[i]});
      together.push_back(said[i]);
    }
    for (std::size_t i = size; i-- > 0;) {
      if (said[i] == "again") waiting.push_front(set[i]);
    }
  }
  const std::string stored_together = Stored();
  database_.Execute("TRUNCATE aquifer.job_runs CASCADE");

  std::vector<std::string> alone;
  for (const Event& event : in_order) {
    if (!event.acquired_key.empty()) {
      Acquire(event.acquired_key, event.acquired_token);
      alone.emplace_back();
    } else {
      alone.push_back(Said(Call(&JobRepository::RecordDelivery, event.request)));
    }
  }

  EXPECT_GT(in_order.size(), 300u);
  EXPECT_EQ(together, alone);
  EXPECT_EQ(stored_together, Stored());
}

}  // namespace
}  // namespace aquifer
