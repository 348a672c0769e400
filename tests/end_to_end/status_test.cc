// What Admin.GetStatus tells after some calls.
#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <string>

#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer {
namespace {

using google::protobuf::util::TimeUtil;

class StatusTest : public testing::EndToEndTest {
 protected:
  v1::GetStatusResponse Status() {
    grpc::ClientContext context;
    v1::GetStatusResponse status;
    EXPECT_TRUE(admin_->GetStatus(&context, {}, &status).ok());
    return status;
  }

  // One after the other, so that none joins another's statement.
  void GetMissing(int times) {
    for (int i = 0; i < times; ++i) {
      grpc::ClientContext context;
      v1::GetCollectionRequest request;
      request.set_id(404);
      v1::GetCollectionResponse response;
      EXPECT_EQ(collections_->GetCollection(&context, request, &response).error_code(),
                grpc::StatusCode::NOT_FOUND);
    }
  }
};

TEST_F(StatusTest, StatementsAreThereWithTheirRunsAndTimes) {
  constexpr int kCalls = 7;
  GetMissing(kCalls);

  const v1::GetStatusResponse status = Status();

  const auto found = std::find_if(
      status.statements().begin(), status.statements().end(),
      [](const v1::StatementStatus& statement) { return statement.count() == kCalls; });
  ASSERT_NE(found, status.statements().end()) << status.DebugString();
  EXPECT_THAT(found->name(), ::testing::StartsWith("collections.get"));
  EXPECT_GT(found->mean(), google::protobuf::Duration());
  EXPECT_GE(found->total(), found->mean());
  EXPECT_GT(found->p99_at_most(), found->p99_above());
  EXPECT_LE(status.statements_size(), 10);
}

TEST_F(StatusTest, BreakerIsClosedWhileAllIsWell) {
  const v1::BreakerStatus breaker = Status().pool().breaker();

  EXPECT_EQ(breaker.state(), v1::BREAKER_STATE_CLOSED);
  EXPECT_FALSE(breaker.has_next_attempt_in());
  EXPECT_EQ(breaker.reason(), "");
}

}  // namespace
}  // namespace aquifer
