// From our errors to what goes over the wire.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <grpcpp/support/status.h>

#include <optional>
#include <string>

namespace aquifer {

// The same error for gRPC, with its details (ErrorInfo, RetryInfo, BadRequest, and RequestInfo
// with `request_id`) as a google.rpc.Status in `grpc-status-details-bin`.
grpc::Status ToGrpcStatus(const absl::Status& status, const std::string& request_id);

// The delay its RetryInfo advises, if it has one.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

// The code as gRPC spells it, such as "INVALID_ARGUMENT".
std::string CodeName(absl::StatusCode code);

}  // namespace aquifer
