// A server over a PostgreSQL of the test's own, and calls to tell how it does.
#pragma once

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aquifer/v1/admin.grpc.pb.h"
#include "aquifer/v1/collection.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "tests/testing/eventually.h"
#include "tests/testing/http_get.h"
#include "tests/testing/own_postgres.h"
#include "tests/testing/server_process.h"
#include "tests/testing/status_details.h"

namespace aquifer::testing {

class FaultsTest : public ::testing::Test {
 protected:
  void StartServer(const std::string& url, std::vector<std::string> flags = {}) {
    flags.insert(flags.end(),
                 {"--database-url", url, "--metrics-port", "0", "--log-level", "warning"});
    server_.emplace(std::move(flags));
    ASSERT_TRUE(server_->AwaitServing()) << server_->Output() << server_->Log();
    collections_ = v1::CollectionRepository::NewStub(server_->Channel());
  }

  static v1::RecordCollectionRequest MakeLine(const std::string& device, int second) {
    v1::RecordCollectionRequest request;
    request.mutable_line()->set_device_id(device);
    request.mutable_line()->mutable_collected_at()->set_seconds(1774648800 + second);
    request.mutable_line()->set_banknotes_minor(100);
    return request;
  }

  grpc::Status Record(int second, absl::Duration patience = absl::Seconds(10)) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + patience));
    v1::RecordCollectionResponse response;
    return collections_->RecordCollection(&context, MakeLine("164", second), &response);
  }

  v1::BreakerStatus Breaker() const {
    grpc::ClientContext context;
    v1::GetStatusResponse status;
    const auto admin = v1::Admin::NewStub(server_->Channel());
    EXPECT_TRUE(admin->GetStatus(&context, {}, &status).ok());
    return status.pool().breaker();
  }

  static std::string ReasonIn(const grpc::Status& status) {
    const auto info = DetailOf<google::rpc::ErrorInfo>(status);
    return info ? info->reason() : "";
  }

  // Calls until the answer is OK, and the time since `began`.
  absl::Duration AwaitService(absl::Time began) {
    EXPECT_TRUE(Eventually([this] { return Record(0).ok(); })) << "no service again";
    return absl::Now() - began;
  }
  // Calls until an answer has this reason.
  bool AwaitReason(const std::string& reason) {
    return Eventually([&] { return ReasonIn(Record(0)) == reason; });
  }

  double Series(const std::string& series) const {
    return SeriesIn(Get(server_->metrics_address(), "/metrics"), series);
  }
  double Events(const std::string& event) const {
    return Series(absl::StrCat("aquifer_database_events_total{event=\"", event, "\"}"));
  }

  std::optional<ServerProcess> server_;
  std::unique_ptr<v1::CollectionRepository::Stub> collections_;
};

// The least, the median and the most, for a test to print.
inline std::string Spread(std::vector<absl::Duration> times) {
  std::sort(times.begin(), times.end());
  const auto show = [](absl::Duration time) {
    return absl::FormatDuration(absl::Trunc(time, absl::Microseconds(100)));
  };
  return absl::StrCat(show(times.front()), ", median ", show(times[times.size() / 2]), ", most ",
                      show(times.back()));
}

}  // namespace aquifer::testing
