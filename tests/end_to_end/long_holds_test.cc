// A call that holds its connection for long is named in the log, and when it lets go.
#include <gmock/gmock.h>

#include <thread>

#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer::testing {
namespace {

class LongHoldsTest : public EndToEndTest {
 protected:
  void SetUp() override {
    StartServer({"--port", "0", "--pool-max", "1", "--pool-min", "1", "--pool-holder-limit-ms",
                 "50", "--pool-acquire-timeout-ms", "50"});
  }

  grpc::Status Record() {
    grpc::ClientContext context;
    v1::RecordCollectionRequest request;
    *request.mutable_line() = MakeLine("164", 0, 100);
    v1::RecordCollectionResponse response;
    return collections_->RecordCollection(&context, request, &response);
  }
};

TEST_F(LongHoldsTest, HolderIsNamedWithItsStatementAndAgainWhenItLetsGo) {
  pqxx::connection stranger(database_.url());
  pqxx::work lock(stranger);
  lock.exec("LOCK TABLE aquifer.collections IN ACCESS EXCLUSIVE MODE");
  grpc::Status status;
  std::thread caller([&] { status = Record(); });

  EXPECT_TRUE(server_->AwaitLog(R"("event":"connection_held","method":"CollectionRepository.)"
                                R"(RecordCollection")"));
  EXPECT_TRUE(server_->AwaitLog(R"("statement":"collections.record)"));
  lock.abort();
  caller.join();

  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(server_->AwaitLog(R"("event":"connection_let_go","method":"CollectionRepository.)"));
}

}  // namespace
}  // namespace aquifer::testing
