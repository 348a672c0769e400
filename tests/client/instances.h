// Several instances of the server on one database, as they stand behind a balancing client.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/client/client_test.h"

namespace aquifer::testing {

class InstancesTest : public ::testing::Test {
 protected:
  // Starts an instance of this name; at the endpoint of the last one of that name, if there was
  // one. `flags` are added to those of every instance.
  void StartInstance(const std::string& name, std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"--instance", name});
    if (const auto found = endpoints_.find(name); found != endpoints_.end()) {
      flags.insert(flags.end(), {"--port", found->second.substr(found->second.rfind(':') + 1)});
    }
    auto server = std::make_unique<ServerProcess>(ServerFlags(database_, std::move(flags)));
    ASSERT_TRUE(server->AwaitServing()) << server->Output() << server->Log();
    endpoints_[name] = server->address();
    servers_[name] = std::move(server);
  }

  // A client of all of them.
  client::Client ConnectToAll(client::ConnectOptions options = {}) const {
    options.endpoints.clear();
    for (const auto& [name, endpoint] : endpoints_) options.endpoints.push_back(endpoint);
    auto connected = client::Connect(options);
    EXPECT_TRUE(connected.ok()) << connected.status();
    return *std::move(connected);
  }

  // A client of one.
  client::Client ConnectTo(const std::string& name) const {
    return *client::Connect({.endpoints = {endpoints_.at(name)}});
  }

  TestDatabase database_;
  std::map<std::string, std::string> endpoints_;
  std::map<std::string, std::unique_ptr<ServerProcess>> servers_;
};

}  // namespace aquifer::testing
