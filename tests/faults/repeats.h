// What every client that repeats its writes does.
#pragma once

#include <absl/random/random.h>
#include <absl/strings/str_format.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "tests/testing/status_details.h"

namespace aquifer::testing {

// Whether the same call again may get another answer.
inline bool MayRepeat(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::CANCELLED:
      return true;
    case grpc::StatusCode::ABORTED: {
      const auto info = DetailOf<google::rpc::ErrorInfo>(status);
      return info && info->reason() == "TRANSACTION_CONFLICT";
    }
    default:
      return false;
  }
}

// A UUID.
inline std::string NewRequestId(absl::BitGen& random) {
  return absl::StrFormat("%08x-%04x-4%03x-8%03x-%012x", absl::Uniform<std::uint32_t>(random),
                         absl::Uniform(random, 0, 0x10000), absl::Uniform(random, 0, 0x1000),
                         absl::Uniform(random, 0, 0x1000),
                         absl::Uniform<std::uint64_t>(random) >> 16);
}

}  // namespace aquifer::testing
