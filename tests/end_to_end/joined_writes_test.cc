// Deliveries and fetch outcomes of many callers at once, which the server joins as it likes.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

#include "aquifer/v1/job.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

constexpr int kCallers = 16;
constexpr int kRounds = 40;
constexpr std::int64_t kSharedChat = 1'000'000;

class JoinedWritesTest : public testing::EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    jobs_ = v1::JobRepository::NewStub(channel_);
  }

  template <typename Request>
  static Request OfRun(const std::string& lease_token) {
    Request request;
    request.set_job("broadcast");
    request.set_key("2026-03-28");
    request.set_lease_token(lease_token);
    return request;
  }

  void Begin() {
    auto request = OfRun<v1::BeginJobRunRequest>("mine");
    request.set_holder("test");
    request.set_lease_ms(600'000);
    grpc::ClientContext context;
    v1::BeginJobRunResponse response;
    ASSERT_TRUE(jobs_->BeginJobRun(&context, request, &response).ok());
  }

  grpc::Status Deliver(const std::string& lease_token, std::int64_t chat_id,
                       v1::DeliveryState state, v1::RecordDeliveryResponse& response) {
    auto request = OfRun<v1::RecordDeliveryRequest>(lease_token);
    request.set_chat_id(chat_id);
    request.set_state(state);
    grpc::ClientContext context;
    return jobs_->RecordDelivery(&context, request, &response);
  }

  grpc::Status Note(const std::vector<std::string>& devices, int day,
                    v1::RecordFetchOutcomesResponse& response) {
    v1::RecordFetchOutcomesRequest request;
    for (const std::string& device : devices) {
      v1::FetchOutcome& outcome = *request.add_outcomes();
      outcome.set_device_id(device);
      *outcome.mutable_day() = testing::DayOf(2026, 3, day);
      outcome.set_state(v1::FETCH_STATE_OK);
      outcome.set_lines(1);
    }
    grpc::ClientContext context;
    return collections_->RecordFetchOutcomes(&context, request, &response);
  }

  // One caller's rounds: chats of its own, one that everybody claims, and one who lost the lease.
  void DeliverInRounds(int caller, int& claimed) {
    for (int round = 0; round < kRounds; ++round) {
      const std::int64_t chat = 1 + caller * kRounds + round;
      v1::RecordDeliveryResponse own;
      grpc::Status status = Deliver("mine", chat, v1::DELIVERY_STATE_SENT, own);
      ASSERT_TRUE(status.ok()) << status.error_message();
      EXPECT_TRUE(own.created());
      EXPECT_EQ(own.delivery().chat_id(), chat);
      EXPECT_EQ(own.delivery().state(), v1::DELIVERY_STATE_SENT);

      v1::RecordDeliveryResponse shared;
      status = Deliver("mine", kSharedChat + round, v1::DELIVERY_STATE_CLAIMED, shared);
      ASSERT_TRUE(status.ok()) << status.error_message();
      EXPECT_TRUE(shared.may_send());
      claimed += shared.created() ? 1 : 0;

      v1::RecordDeliveryResponse lost;
      status = Deliver("lost", chat, v1::DELIVERY_STATE_CLAIMED, lost);
      EXPECT_EQ(testing::DetailOf<google::rpc::ErrorInfo>(status)->reason(), "LEASE_LOST");
    }
  }

  // Whether sets of this method were answered.
  bool Joined(const std::string& method) {
    for (const auto line : absl::StrSplit(server_->Log(), '\n')) {
      if (absl::StrContains(line, method) && absl::StrContains(line, "\"joined\":")) return true;
    }
    return false;
  }

  std::string Value(const std::string& sql) { return database_.Execute(sql)[0][0].c_str(); }

  std::unique_ptr<v1::JobRepository::Stub> jobs_;
};

TEST_F(JoinedWritesTest, EachDeliveryOfManyHasItsOwnAnswer) {
  Begin();
  std::vector<int> claimed(kCallers);

  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] { DeliverInRounds(caller, claimed[caller]); });
  }
  for (std::thread& caller : callers) caller.join();

  int claims = 0;
  for (const int of_caller : claimed) claims += of_caller;
  EXPECT_EQ(claims, kRounds) << "of many claims of a chat one is new";
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.deliveries WHERE state = 'sent'"),
            absl::StrCat(kCallers * kRounds));
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.deliveries WHERE state = 'claimed'"),
            absl::StrCat(kRounds));
  EXPECT_TRUE(Joined("JobRepository.RecordDelivery"));
}

TEST_F(JoinedWritesTest, EachRequestOfOutcomesHasItsOwnAnswer) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([this, caller] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string own = absl::StrCat("own-", caller, "-", round);
        v1::RecordFetchOutcomesResponse response;
        // One day of everybody's, one of its own, one that is refused, and the first again.
        const grpc::Status status = Note({"shared", own, "", "shared"}, 28, response);
        ASSERT_TRUE(status.ok()) << status.error_message();
        ASSERT_EQ(response.results_size(), 4);
        EXPECT_EQ(response.results(0).state(), v1::FETCH_STATE_OK);
        EXPECT_EQ(response.results(1).outcome(), v1::RECORD_OUTCOME_INSERTED);
        EXPECT_EQ(response.results(2).outcome(), v1::RECORD_OUTCOME_REJECTED);
        EXPECT_EQ(response.results(2).rejection().problems(0).field(), "outcomes[2].device_id");
        EXPECT_EQ(response.results(3).outcome(), v1::RECORD_OUTCOME_UNCHANGED);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(Value("SELECT attempts FROM aquifer.fetch_outcomes WHERE device_id = 'shared'"),
            absl::StrCat(2 * kCallers * kRounds));
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.fetch_outcomes"),
            absl::StrCat(kCallers * kRounds + 1));
  EXPECT_TRUE(Joined("CollectionRepository.RecordFetchOutcomes"));
}

// A row that a stranger holds keeps nobody waiting but whoever writes it.
TEST_F(JoinedWritesTest, OutcomeThatWaitsForAStrangersLockHoldsUpNoOther) {
  v1::RecordFetchOutcomesResponse held;
  ASSERT_TRUE(Note({"held"}, 28, held).ok());
  pqxx::connection stranger(database_.url());
  pqxx::work holding(stranger);
  holding.exec("SELECT FROM aquifer.fetch_outcomes WHERE device_id = 'held' FOR UPDATE");
  std::vector<std::thread> others;
  for (int caller = 0; caller < kCallers; ++caller) {
    others.emplace_back([this, caller] {
      for (int i = 0; i < kRounds; ++i) {
        v1::RecordFetchOutcomesResponse other;
        const grpc::Status status = Note({absl::StrCat("free-", caller, "-", i)}, 28, other);
        EXPECT_TRUE(status.ok()) << status.error_message();
      }
    });
  }
  grpc::Status waited;
  std::thread waiting([&] { waited = Note({"held"}, 28, held); });

  for (std::thread& other : others) other.join();
  holding.abort();
  waiting.join();
  EXPECT_TRUE(waited.ok()) << waited.error_message();
  EXPECT_EQ(held.results(0).outcome(), v1::RECORD_OUTCOME_UNCHANGED);
}

}  // namespace
}  // namespace aquifer
