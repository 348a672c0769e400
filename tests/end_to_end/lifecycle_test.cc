// Starting, dying and starting again, as an operator sees it.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/eventually.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {
namespace {

using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;

// A server over its embedded PostgreSQL, in a data directory of the test's own.
class LifecycleTest : public ::testing::Test {
 protected:
  std::string DataDirectory() const { return directory_.path() + "/data"; }

  std::vector<std::string> Flags() const {
    return {"--data-dir", DataDirectory(), "--shutdown-notice-ms", "0"};
  }

  static grpc::Status Record(ServerProcess& server, const std::string& device,
                             v1::RecordCollectionResponse& response) {
    grpc::ClientContext context;
    v1::RecordCollectionRequest request;
    request.mutable_line()->set_device_id(device);
    request.mutable_line()->set_wall_time("2026-03-28 14:05:09");
    request.mutable_line()->set_banknotes_text("1520");
    return v1::CollectionRepository::NewStub(server.Channel())
        ->RecordCollection(&context, request, &response);
  }

  pid_t PostmasterPid() const {
    std::ifstream file(DataDirectory() + "/postgres/postmaster.pid");
    pid_t pid = 0;
    file >> pid;
    return pid;
  }

  TemporaryDirectory directory_;
};

TEST_F(LifecycleTest, SecondStartFindsItsDataAgain) {
  v1::RecordCollectionResponse response;
  {
    ServerProcess server(Flags());
    ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
    ASSERT_TRUE(Record(server, "164", response).ok());
    server.Signal(SIGTERM);
    ASSERT_EQ(server.AwaitExit(), 0);
  }

  ServerProcess server(Flags());
  ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
  ASSERT_TRUE(Record(server, "164", response).ok());

  EXPECT_EQ(response.outcome(), v1::RECORD_OUTCOME_UNCHANGED);
}

TEST_F(LifecycleTest, StartsAgainAfterTheServerWasKilled) {
  v1::RecordCollectionResponse response;
  {
    ServerProcess server(Flags());
    ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
    ASSERT_TRUE(Record(server, "164", response).ok());
    server.Signal(SIGKILL);
    ASSERT_EQ(server.AwaitExit(), 128 + SIGKILL);
  }

  ServerProcess server(Flags());
  ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
  ASSERT_TRUE(Record(server, "164", response).ok());

  EXPECT_EQ(response.outcome(), v1::RECORD_OUTCOME_UNCHANGED);
}

TEST_F(LifecycleTest, ServesOnAfterPostgresWasKilled) {
  ServerProcess server(Flags());
  ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
  v1::RecordCollectionResponse response;
  ASSERT_TRUE(Record(server, "164", response).ok());
  const pid_t postmaster = PostmasterPid();
  ASSERT_GT(postmaster, 0);

  kill(postmaster, SIGKILL);

  const absl::Time killed = absl::Now();
  EXPECT_TRUE(Eventually([&] {
    const grpc::Status status = Record(server, "164", response);
    if (!status.ok()) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    }
    return status.ok() && PostmasterPid() != postmaster;
  }));
  RecordProperty("back_after_ms", absl::StrCat(absl::ToInt64Milliseconds(absl::Now() - killed)));
  EXPECT_EQ(response.outcome(), v1::RECORD_OUTCOME_UNCHANGED);
}

TEST_F(LifecycleTest, SecondServerOnTheSameDataIsRefused) {
  ServerProcess first(Flags());
  ASSERT_TRUE(first.AwaitServing()) << first.Output() << first.Log();

  ServerProcess second(Flags());

  EXPECT_EQ(second.AwaitExit(), 1);
  EXPECT_THAT(second.Log(), HasSubstr(DataDirectory()));
}

TEST_F(LifecycleTest, TakenPortIsAClearLine) {
  TestDatabase database;
  ServerProcess first({"--database-url", database.url()});
  ASSERT_TRUE(first.AwaitServing()) << first.Output() << first.Log();
  const std::string address = first.address();
  const std::string port = address.substr(address.rfind(':') + 1);

  ServerProcess second({"--database-url", database.url(), "--port", port});

  EXPECT_EQ(second.AwaitExit(), 1);
  EXPECT_THAT(second.Log(), HasSubstr(absl::StrCat("cannot listen on ", address)));
}

// A server over a PostgreSQL that the test can stop.
class DatabaseAwayTest : public ::testing::Test {
 protected:
  DatabaseAwayTest() : log_(LogLevel::kOff) { StartPostgres(); }

  void StartPostgres() {
    auto started = LocalPostgres::Start(
        {.data_dir = directory_.path() + "/data", .durability = Durability::kNone}, log_);
    ASSERT_TRUE(started.ok()) << started.status();
    postgres_ = *std::move(started);
  }

  static HealthCheckResponse::ServingStatus Check(const std::shared_ptr<grpc::Channel>& channel,
                                                  const std::string& service) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const grpc::Status status =
        grpc::health::v1::Health::NewStub(channel)->Check(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }

  // Reads a watch until it says `wanted`.
  static void AwaitStatus(grpc::ClientReader<HealthCheckResponse>& watch,
                          HealthCheckResponse::ServingStatus wanted) {
    HealthCheckResponse response;
    do {
      ASSERT_TRUE(watch.Read(&response));
    } while (response.status() != wanted);
  }

  TemporaryDirectory directory_;
  Log log_;
  std::unique_ptr<LocalPostgres> postgres_;
};

TEST_F(DatabaseAwayTest, ReadinessFallsLivenessStaysAndServiceIsBackWithinTwoSeconds) {
  ServerProcess server({"--database-url", postgres_->url()});
  ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
  const auto channel = server.Channel();
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(1)));
  const auto watch = grpc::health::v1::Health::NewStub(channel)->Watch(&context, {});
  AwaitStatus(*watch, HealthCheckResponse::SERVING);

  postgres_.reset();
  AwaitStatus(*watch, HealthCheckResponse::NOT_SERVING);

  EXPECT_EQ(Check(channel, "readiness"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(channel, "aquifer.v1.CollectionRepository"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(channel, "liveness"), HealthCheckResponse::SERVING);

  StartPostgres();
  const absl::Time back = absl::Now();
  AwaitStatus(*watch, HealthCheckResponse::SERVING);
  RecordProperty("back_after_ms", absl::StrCat(absl::ToInt64Milliseconds(absl::Now() - back)));
  EXPECT_EQ(Check(channel, "aquifer.v1.CollectionRepository"), HealthCheckResponse::SERVING);
}

TEST_F(DatabaseAwayTest, ServerStartsWhileTheDatabaseIsAwayAndServesOnceItIsThere) {
  const std::string url = postgres_->url();
  postgres_.reset();
  ServerProcess server({"--database-url", url});
  ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
  auto stub = v1::CollectionRepository::NewStub(server.Channel());
  v1::GetCollectionRequest request;
  request.set_id(1);
  v1::GetCollectionResponse response;
  grpc::ClientContext early;
  const grpc::Status away = stub->GetCollection(&early, request, &response);
  EXPECT_EQ(away.error_code(), grpc::StatusCode::UNAVAILABLE) << away.error_message();
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(away)->reason(), "DATABASE_UNAVAILABLE");
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(away));
  EXPECT_EQ(Check(server.Channel(), "liveness"), HealthCheckResponse::SERVING);

  StartPostgres();

  ASSERT_TRUE(server.AwaitLog("database_ready"));
  grpc::ClientContext late;
  EXPECT_EQ(stub->GetCollection(&late, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace aquifer::testing
