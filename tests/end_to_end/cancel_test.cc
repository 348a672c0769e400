// A caller that leaves in the middle of its statement.
#include <absl/time/clock.h>

#include <algorithm>
#include <iostream>
#include <thread>
#include <vector>

#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/eventually.h"

namespace aquifer {
namespace {

class CancelledCallTest : public testing::EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    grpc::ClientContext context;
    v1::RecordCollectionRequest request;
    *request.mutable_line() = MakeLine("164", 0, 100);
    v1::RecordCollectionResponse response;
    ASSERT_TRUE(collections_->RecordCollection(&context, request, &response).ok());
    line_ = response.collection();
  }

  // A correction of the line, which waits as long as another holds it.
  grpc::Status Correct(grpc::ClientContext& context) {
    v1::CorrectCollectionRequest request;
    request.set_id(line_.id());
    request.set_version(line_.version());
    request.set_coins_minor(5);
    request.set_reason("test");
    v1::CorrectCollectionResponse response;
    return collections_->CorrectCollection(&context, request, &response);
  }

  // How many of the server's statements wait for a lock.
  int Waiting() {
    return database_
        .Execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'")[0][0]
        .as<int>();
  }

  v1::Collection line_;
};

TEST_F(CancelledCallTest, CallerThatLeavesFreesItsConnection) {
  constexpr int kRounds = 20;
  pqxx::connection blocker(database_.url());
  pqxx::work lock(blocker);
  lock.exec("SELECT id FROM aquifer.collections FOR UPDATE");
  std::vector<absl::Duration> times;

  for (int round = 0; round < kRounds; ++round) {
    grpc::ClientContext context;
    grpc::Status status;
    std::thread caller([&] { status = Correct(context); });
    ASSERT_TRUE(testing::Eventually([this] { return Waiting() == 1; }));
    const absl::Time left = absl::Now();
    context.TryCancel();
    EXPECT_TRUE(testing::Eventually([this] { return Waiting() == 0; }));
    times.push_back(absl::Now() - left);
    caller.join();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  }

  EXPECT_TRUE(server_->AwaitLog(R"("reason":"CANCELLED")"));
  std::sort(times.begin(), times.end());
  std::cout << "a statement ends " << times.front() << " to " << times.back() << ", median "
            << times[kRounds / 2] << ", after its caller left\n";
  lock.abort();
  grpc::ClientContext context;
  EXPECT_TRUE(Correct(context).ok());
}

}  // namespace
}  // namespace aquifer
