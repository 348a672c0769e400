// Jobs as a caller sees them: two schedulers, a killed server, chats that reach no log.
#include <gmock/gmock.h>

#include <csignal>
#include <set>
#include <string>

#include "aquifer/v1/job.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class JobsEndToEndTest : public EndToEndTest {
 protected:
  template <typename Request>
  static Request OfRun(const std::string& lease_token) {
    Request request;
    request.set_job("daily-summary");
    request.set_key("2026-03-28");
    request.set_lease_token(lease_token);
    return request;
  }

  v1::BeginJobRunResponse Begin(const std::string& lease_token, std::int64_t lease_ms) {
    auto request = OfRun<v1::BeginJobRunRequest>(lease_token);
    request.set_holder("scheduler");
    request.set_lease_ms(lease_ms);
    grpc::ClientContext context;
    v1::BeginJobRunResponse response;
    const grpc::Status status =
        v1::JobRepository::NewStub(channel_)->BeginJobRun(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  v1::RecordDeliveryResponse Deliver(const std::string& lease_token, std::int64_t chat_id,
                                     v1::DeliveryState state) {
    auto request = OfRun<v1::RecordDeliveryRequest>(lease_token);
    request.set_chat_id(chat_id);
    request.set_state(state);
    grpc::ClientContext context;
    v1::RecordDeliveryResponse response;
    const grpc::Status status =
        v1::JobRepository::NewStub(channel_)->RecordDelivery(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

TEST_F(JobsEndToEndTest, DomainRule7_ABroadcastGoesOnWhereAKilledServerLeftIt) {
  ASSERT_EQ(Begin("first", 60000).outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
  ASSERT_EQ(Begin("second", 60000).outcome(), v1::BEGIN_OUTCOME_HELD);
  ASSERT_TRUE(Deliver("first", 1001, v1::DELIVERY_STATE_CLAIMED).may_send());
  ASSERT_TRUE(Deliver("first", 1001, v1::DELIVERY_STATE_SENT).changed());

  server_->Signal(SIGKILL);
  server_->AwaitExit();
  StartServer({});

  EXPECT_EQ(Begin("second", 60000).outcome(), v1::BEGIN_OUTCOME_HELD);
  EXPECT_EQ(Begin("first", 60000).run().attempt(), 1);
  v1::ListUndeliveredRequest list;
  list.set_job("daily-summary");
  list.set_key("2026-03-28");
  list.add_chat_ids(1001);
  list.add_chat_ids(-1002);
  grpc::ClientContext context;
  v1::ListUndeliveredResponse undelivered;
  ASSERT_TRUE(
      v1::JobRepository::NewStub(channel_)->ListUndelivered(&context, list, &undelivered).ok());
  ASSERT_EQ(undelivered.recipients_size(), 1);
  EXPECT_EQ(undelivered.recipients(0).chat_id(), -1002);
  EXPECT_TRUE(Deliver("first", -1002, v1::DELIVERY_STATE_SENT).created());
  EXPECT_THAT(server_->Log(), Not(HasSubstr("-1002")));
}

TEST_F(JobsEndToEndTest, EveryBadFieldIsNamed) {
  auto request = OfRun<v1::BeginJobRunRequest>("");
  request.set_lease_ms(86400001);
  grpc::ClientContext context;
  v1::BeginJobRunResponse response;

  const grpc::Status status =
      v1::JobRepository::NewStub(channel_)->BeginJobRun(&context, request, &response);

  const auto bad = DetailOf<google::rpc::BadRequest>(status);
  ASSERT_TRUE(bad);
  std::set<std::string> fields;
  for (const auto& violation : bad->field_violations()) fields.insert(violation.field());
  EXPECT_EQ(fields, std::set<std::string>({"holder", "lease_ms", "lease_token"}));
}

}  // namespace
}  // namespace aquifer::testing
