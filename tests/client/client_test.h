// A server process on a database of its own, and a client of the library connected to it.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aquifer/client.h"
#include "tests/testing/server_process.h"
#include "tests/testing/test_database.h"

namespace aquifer::testing {

// The server looks at its database often, so that it serves soon after its start.
inline std::vector<std::string> ServerFlags(const TestDatabase& database,
                                            std::vector<std::string> flags = {}) {
  flags.insert(flags.end(), {"--database-url", database.url(), "--health-interval-ms", "100"});
  return flags;
}

class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StartServer({});
    ASSERT_NO_FATAL_FAILURE(ConnectWith({.endpoints = {server_->address()}}));
  }

  // Starts the server, or starts it anew, on the test's database with these flags as well.
  void StartServer(std::vector<std::string> flags) {
    server_.emplace(ServerFlags(database_, std::move(flags)));
    ASSERT_TRUE(server_->AwaitServing()) << server_->Output() << server_->Log();
  }

  // Kills the server, and starts it anew where it was.
  void ReplaceServer() {
    const std::string address = server_->address();
    server_->Signal(SIGKILL);
    StartServer({"--port", address.substr(address.rfind(':') + 1)});
  }

  void ConnectWith(const client::ConnectOptions& options) {
    auto connected = client::Connect(options);
    ASSERT_TRUE(connected.ok()) << connected.status();
    client_.emplace(*std::move(connected));
  }

  // A line of `device` at second `second` of 2026-03-28 in Kyiv.
  static v1::CollectionLine LineOf(const std::string& device, int second) {
    v1::CollectionLine line;
    line.set_device_id(device);
    line.mutable_collected_at()->set_seconds(1774648800 + second);
    line.set_banknotes_minor(10000);
    return line;
  }

  static v1::RecordCollectionRequest RecordOf(const std::string& device, int second) {
    v1::RecordCollectionRequest request;
    *request.mutable_line() = LineOf(device, second);
    return request;
  }

  static v1::CreateTaskRequest TaskOf(const std::string& title) {
    v1::CreateTaskRequest request;
    request.mutable_details()->set_title(title);
    request.mutable_details()->set_type(v1::TASK_TYPE_SYSTEM_CLEANING);
    return request;
  }

  // What the first column of the first row holds.
  int Number(const std::string& sql) { return database_.Execute(sql)[0][0].as<int>(); }

  TestDatabase database_;
  std::optional<ServerProcess> server_;
  std::optional<client::Client> client_;
};

}  // namespace aquifer::testing
