// The health protocol over a real socket, with the real service and state and no database.
#include "server/health/health_service.h"

#include <absl/time/clock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "server/grpc_listener.h"
#include "tests/testing/eventually.h"

namespace aquifer {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// A client's watch; every read ends by the call's deadline.
class Watch {
 public:
  Watch(Health::Stub& stub, const std::string& service) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    HealthCheckRequest request;
    request.set_service(service);
    reader_ = stub.Watch(&context_, request);
  }

  // The next status; UNKNOWN, which the server never sends, once the stream has ended.
  HealthCheckResponse::ServingStatus Next() {
    HealthCheckResponse response;
    return reader_->Read(&response) ? response.status() : HealthCheckResponse::UNKNOWN;
  }

  void Cancel() { context_.TryCancel(); }
  grpc::Status Finish() { return reader_->Finish(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
};

class HealthServiceTest : public ::testing::Test {
 protected:
  void Start(HealthServiceOptions options = {}) {
    service_ = std::make_unique<HealthService>(state_, options);
    auto listener = GrpcListener::Start({.address = "127.0.0.1"}, {service_.get()});
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    stub_ = StubAt(*listener_);
  }

  ~HealthServiceTest() override {
    if (service_ == nullptr) return;
    service_->FinishWatches();
    listener_->Shutdown(absl::Now() + absl::Seconds(5));
  }

  static std::unique_ptr<Health::Stub> StubAt(const GrpcListener& listener) {
    return Health::NewStub(
        grpc::CreateChannel(listener.address(), grpc::InsecureChannelCredentials()));
  }

  void Look(Sign sign) {
    for (int i = 0; i < 2; ++i) state_.ReportLook({.sign = sign, .reason = "by the test"});
  }

  grpc::Status Check(const std::string& service, HealthCheckResponse& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    HealthCheckRequest request;
    request.set_service(service);
    return stub_->Check(&context, request, &response);
  }

  HealthCheckResponse::ServingStatus Checked(const std::string& service) {
    HealthCheckResponse response;
    const grpc::Status status = Check(service, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }

  Log log_{LogLevel::kOff};
  HealthState state_{{}, log_};
  // Destroyed last to first: the service outlives its server.
  std::unique_ptr<HealthService> service_;
  std::unique_ptr<GrpcListener> listener_;
  std::unique_ptr<Health::Stub> stub_;
};

TEST_F(HealthServiceTest, ChecksEveryName) {
  Start();

  EXPECT_EQ(Checked(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Checked("liveness"), HealthCheckResponse::SERVING);
  EXPECT_EQ(Checked("aquifer.v1.Admin"), HealthCheckResponse::SERVING);
  Look(Sign::kGood);
  EXPECT_EQ(Checked(""), HealthCheckResponse::SERVING);
  EXPECT_EQ(Checked("readiness"), HealthCheckResponse::SERVING);
  EXPECT_EQ(Checked("aquifer.v1.CollectionRepository"), HealthCheckResponse::SERVING);
  EXPECT_EQ(Checked("aquifer.v1.MaintenanceRepository"), HealthCheckResponse::SERVING);
  EXPECT_EQ(Checked("aquifer.v1.WorkerRepository"), HealthCheckResponse::SERVING);
}

TEST_F(HealthServiceTest, CheckOfUnknownNameIsNotFound) {
  Start();
  HealthCheckResponse response;

  const grpc::Status status = Check("no.such.Service", response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthServiceTest, WatchSendsTheStatusNowAndThenEachChange) {
  Start();
  Watch watch(*stub_, "readiness");

  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  Look(Sign::kGood);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  Look(Sign::kBad);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  Look(Sign::kGood);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  state_.SetDraining();
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthServiceTest, WatchOfUnknownNameSaysSoAndStaysOpen) {
  Start();
  Watch watch(*stub_, "no.such.Service");

  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  Look(Sign::kGood);
  service_->FinishWatches();

  EXPECT_EQ(watch.Next(), HealthCheckResponse::UNKNOWN);
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(HealthServiceTest, SlowWatcherGetsNoRepeatsAndTheNewest) {
  Start();
  Watch watch(*stub_, "");
  std::vector<HealthCheckResponse::ServingStatus> seen = {watch.Next()};

  for (int i = 0; i < 501; ++i) Look(i % 2 == 0 ? Sign::kGood : Sign::kBad);
  service_->FinishWatches();
  for (auto next = watch.Next(); next != HealthCheckResponse::UNKNOWN; next = watch.Next()) {
    seen.push_back(next);
  }

  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_NE(seen[i], seen[i - 1]) << i;
  EXPECT_EQ(seen.front(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(seen.back(), HealthCheckResponse::SERVING);
}

TEST_F(HealthServiceTest, TwoHundredWatchersHearOfAChange) {
  Start();
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 200; ++i) watches.push_back(std::make_unique<Watch>(*stub_, "readiness"));
  for (const auto& watch : watches) ASSERT_EQ(watch->Next(), HealthCheckResponse::NOT_SERVING);

  Look(Sign::kGood);

  for (const auto& watch : watches) ASSERT_EQ(watch->Next(), HealthCheckResponse::SERVING);
}

TEST_F(HealthServiceTest, CancelledWatchMakesRoomForAnother) {
  Start({.max_watches = 1});
  Watch first(*stub_, "");
  ASSERT_EQ(first.Next(), HealthCheckResponse::NOT_SERVING);
  Watch refused(*stub_, "");
  EXPECT_EQ(refused.Next(), HealthCheckResponse::UNKNOWN);
  EXPECT_EQ(refused.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);

  first.Cancel();
  EXPECT_EQ(first.Finish().error_code(), grpc::StatusCode::CANCELLED);

  // The server hears of the cancellation a moment later.
  EXPECT_TRUE(testing::Eventually(
      [&] { return Watch(*stub_, "").Next() == HealthCheckResponse::NOT_SERVING; }));
}

TEST_F(HealthServiceTest, ChangesAfterAWatcherLeftAreHarmless) {
  Start();
  for (int i = 0; i < 50; ++i) {
    Watch watch(*stub_, "");
    ASSERT_NE(watch.Next(), HealthCheckResponse::UNKNOWN);
    watch.Cancel();
    Look(i % 2 == 0 ? Sign::kGood : Sign::kBad);
  }

  EXPECT_EQ(Checked(""), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthServiceTest, ShutdownWithOpenWatchesIsPrompt) {
  Start();
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 20; ++i) watches.push_back(std::make_unique<Watch>(*stub_, ""));
  for (const auto& watch : watches) ASSERT_EQ(watch->Next(), HealthCheckResponse::NOT_SERVING);

  const absl::Time begun = absl::Now();
  service_->FinishWatches();
  listener_->Shutdown(absl::Now() + absl::Seconds(15));

  EXPECT_LT(absl::Now() - begun, absl::Seconds(5));
  for (const auto& watch : watches) {
    EXPECT_EQ(watch->Next(), HealthCheckResponse::UNKNOWN);
    EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_F(HealthServiceTest, SeveralServersShareOneState) {
  Start();
  HealthService second(state_);
  const auto listener = GrpcListener::Start({.address = "127.0.0.1"}, {&second});
  ASSERT_TRUE(listener.ok()) << listener.status();
  const std::unique_ptr<Health::Stub> stub = StubAt(**listener);
  {
    Watch here(*stub_, "");
    Watch there(*stub, "");
    ASSERT_EQ(here.Next(), HealthCheckResponse::NOT_SERVING);
    ASSERT_EQ(there.Next(), HealthCheckResponse::NOT_SERVING);

    Look(Sign::kGood);

    EXPECT_EQ(here.Next(), HealthCheckResponse::SERVING);
    EXPECT_EQ(there.Next(), HealthCheckResponse::SERVING);
  }
  second.FinishWatches();
  (*listener)->Shutdown(absl::Now() + absl::Seconds(5));
}

}  // namespace
}  // namespace aquifer
