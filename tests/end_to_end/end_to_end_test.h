// A server process on a database of its own, and stubs to call it with.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aquifer/v1/admin.grpc.pb.h"
#include "aquifer/v1/collection.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "tests/testing/server_process.h"
#include "tests/testing/status_details.h"
#include "tests/testing/test_database.h"

namespace aquifer::testing {

class EndToEndTest : public ::testing::Test {
 protected:
  void SetUp() override { StartServer({}); }

  // Starts the server, or starts it anew, on the test's database with these flags as well.
  void StartServer(std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--database-url", database_.url()});
    server_.emplace(std::move(flags));
    ASSERT_TRUE(server_->AwaitServing()) << server_->Output() << server_->Log();
    channel_ = server_->Channel();
    collections_ = v1::CollectionRepository::NewStub(channel_);
    admin_ = v1::Admin::NewStub(channel_);
  }

  // A line at second `second` of 2026-03-28 in Kyiv.
  static v1::CollectionLine MakeLine(const std::string& device, int second,
                                     std::int64_t banknotes_minor) {
    v1::CollectionLine line;
    line.set_device_id(device);
    line.mutable_collected_at()->set_seconds(1774648800 + second);
    line.set_banknotes_minor(banknotes_minor);
    line.set_collector("Іван 📦");
    return line;
  }

  TestDatabase database_;
  std::optional<ServerProcess> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::CollectionRepository::Stub> collections_;
  std::unique_ptr<v1::Admin::Stub> admin_;
};

}  // namespace aquifer::testing
