// Connecting: from settings to an open libpq handle, by a deadline.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "server/database/connection.h"
#include "server/database/libpq_handles.h"

namespace aquifer {

// What Connection::Open answers, before libpqxx is put around it.
absl::StatusOr<ConnectionHandle> Connect(const ConnectionSettings& settings, absl::Time deadline,
                                         std::string* detail);

}  // namespace aquifer
