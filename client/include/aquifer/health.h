// Whether the service serves: grpc.health.v1, for probes and scripts.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "aquifer/method.h"

namespace aquifer::client {

enum class Serving {
  kYes,
  // It runs, and has a reason not to serve: no database, or it is stopping.
  kNo,
};

class Health : private Repository {
 public:
  using Repository::Repository;

  // Asks once, without retries unless `options` says otherwise. `service` is a service's full name
  // or one of the server's words: "readiness", "liveness"; empty for the whole. NOT_FOUND if the
  // server knows no such name.
  absl::StatusOr<Serving> Check(const std::string& service = "",
                                const CallOptions& options = {.retries = Retries::kNone}) const;
};

}  // namespace aquifer::client
