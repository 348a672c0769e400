// From options to the gRPC channels that carry the calls.
#pragma once

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "aquifer/connect_options.h"

namespace aquifer::client {

// What gRPC is to connect to: one endpoint by its name, several by their addresses.
absl::StatusOr<std::string> TargetOf(const std::vector<std::string>& endpoints);

struct Channels {
  std::shared_ptr<grpc::Channel> calls;
  // For Admin and Health: the same instances, healthy or not.
  std::shared_ptr<grpc::Channel> admin;
};

// Connects with the first call. The errors are those of Connect.
absl::StatusOr<Channels> MakeChannels(const ConnectOptions& options);

}  // namespace aquifer::client
