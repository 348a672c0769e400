// Errors as they come over the wire, as the rest of the library has them.
#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

namespace aquifer::client {

// The same code and message, with each of the google.rpc details as a payload under its type's URL.
absl::Status FromGrpc(const grpc::Status& status);
// And back, for the fake server.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace aquifer::client
