// Stopping: no accepted call is lost, and the exit tells.
#include <absl/strings/str_cat.h>
#include <absl/synchronization/notification.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <set>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/eventually.h"

namespace aquifer::testing {
namespace {

class ShutdownTest : public EndToEndTest {
 protected:
  void SetUp() override { StartServer({"--shutdown-notice-ms", "200"}); }
};

TEST_F(ShutdownTest, SigtermWithinALoadLosesNoAcceptedCall) {
  constexpr int kCallers = 8;
  std::atomic<int> sent = 0;
  std::atomic<bool> stop = false;
  absl::Mutex mutex;
  std::set<std::string> acknowledged;
  std::set<std::string> other_errors;
  std::vector<std::thread> callers;
  absl::Notification warm;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      auto stub = v1::CollectionRepository::NewStub(server_->Channel());
      for (int n = 0; !stop; ++n) {
        const std::string device = absl::StrCat(caller, "-", n);
        grpc::ClientContext context;
        v1::RecordCollectionRequest request;
        *request.mutable_line() = MakeLine(device, n, 100);
        v1::RecordCollectionResponse response;
        const grpc::Status status = stub->RecordCollection(&context, request, &response);
        absl::MutexLock lock(&mutex);
        if (status.ok()) {
          acknowledged.insert(device);
        } else {
          // Not accepted: the connection was refused or told to go away.
          if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
            other_errors.insert(absl::StrCat(status.error_code(), status.error_message()));
          }
          return;
        }
        if (++sent == 400) warm.Notify();
      }
    });
  }
  EXPECT_TRUE(warm.WaitForNotificationWithTimeout(absl::Seconds(60)));

  server_->Signal(SIGTERM);
  const std::optional<int> code = server_->AwaitExit();
  stop = true;
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(code, 0) << server_->Log();
  EXPECT_THAT(other_errors, ::testing::IsEmpty());
  std::set<std::string> stored;
  for (const auto& row : database_.Execute("SELECT device_id FROM aquifer.collections")) {
    stored.insert(row[0].c_str());
  }
  EXPECT_EQ(stored, acknowledged);
}

TEST_F(ShutdownTest, HealthSaysNotServingBeforeCallsAreRefused) {
  auto health = grpc::health::v1::Health::NewStub(channel_);
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  grpc::health::v1::HealthCheckResponse response;
  auto watch = health->Watch(&context, request);
  ASSERT_TRUE(watch->Read(&response));
  ASSERT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);

  server_->Signal(SIGTERM);

  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  grpc::ClientContext last;
  v1::GetStatusResponse status;
  EXPECT_TRUE(admin_->GetStatus(&last, {}, &status).ok());
  EXPECT_EQ(server_->AwaitExit(), 0);
}

TEST_F(ShutdownTest, SigintStopsAsWellAndFinalFiguresAreLogged) {
  server_->Signal(SIGINT);

  EXPECT_EQ(server_->AwaitExit(), 0);
  EXPECT_TRUE(server_->AwaitLog(R"("event":"stopped")"));
  // PostgreSQL shows a session for a moment longer than its client lives.
  EXPECT_TRUE(Eventually([&] {
    return database_
        .Execute(
            "SELECT 1 FROM pg_stat_activity "
            "WHERE application_name LIKE 'aquifer/%' AND datname = current_database()")
        .empty();
  }));
}

TEST_F(ShutdownTest, CallThatOutlivesTheDrainIsCancelled) {
  v1::RecordCollectionResponse recorded;
  v1::RecordCollectionRequest record;
  *record.mutable_line() = MakeLine("164", 0, 100);
  StartServer({"--shutdown-notice-ms", "0", "--shutdown-drain-ms", "300"});
  grpc::ClientContext first;
  ASSERT_TRUE(collections_->RecordCollection(&first, record, &recorded).ok());
  pqxx::connection blocker(database_.url());
  pqxx::work lock(blocker);
  lock.exec("SELECT id FROM aquifer.collections FOR UPDATE");
  std::thread caller([&] {
    grpc::ClientContext context;
    v1::CorrectCollectionRequest request;
    request.set_id(recorded.collection().id());
    request.set_version(1);
    request.set_coins_minor(5);
    request.set_reason("test");
    v1::CorrectCollectionResponse response;
    EXPECT_FALSE(collections_->CorrectCollection(&context, request, &response).ok());
  });
  EXPECT_TRUE(Eventually([&] {
    return !database_
                .Execute(
                    "SELECT 1 FROM pg_stat_activity "
                    "WHERE wait_event_type = 'Lock' AND datname = current_database()")
                .empty();
  }));

  server_->Signal(SIGTERM);

  EXPECT_EQ(server_->AwaitExit(), 0);
  caller.join();
}

}  // namespace
}  // namespace aquifer::testing
