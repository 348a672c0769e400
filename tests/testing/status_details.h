// What an error of the service says beside its code and message.
#pragma once

#include <grpcpp/support/status.h>

#include <optional>

#include "google/rpc/status.pb.h"

namespace aquifer::testing {

// The detail of this kind, unpacked.
template <typename Detail>
std::optional<Detail> DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const auto& any : details.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

}  // namespace aquifer::testing
