// Connecting: from settings to an open libpq handle, by a deadline.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>

#include "server/database/connection.h"

namespace aquifer {

struct CloseBackend {
  void operator()(pg_conn* backend) const;
};
using Backend = std::unique_ptr<pg_conn, CloseBackend>;

// What Connection::Open answers, before libpqxx is put around it.
absl::StatusOr<Backend> Connect(const ConnectionSettings& settings, absl::Time deadline,
                                std::string* detail);

}  // namespace aquifer
