// From our errors to what goes over the wire.
#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

#include <string>

namespace aquifer {

// The same error for gRPC, with its details (ErrorInfo, RetryInfo, BadRequest, and RequestInfo
// with `request_id`) as a google.rpc.Status in `grpc-status-details-bin`.
grpc::Status ToGrpcStatus(const absl::Status& status, const std::string& request_id);

}  // namespace aquifer
