// One of several calls of a method that one set of statements answers together.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <optional>

namespace aquifer {

template <typename Request, typename Response>
struct Joined {
  const Request* request = nullptr;
  // What this call would have got alone. Left empty where it has to come after another of them: it
  // is asked again then.
  std::optional<absl::StatusOr<Response>> answer;
};

template <typename Request, typename Response>
using JoinedCalls = absl::Span<Joined<Request, Response>>;

}  // namespace aquifer
