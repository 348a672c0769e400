// The database that a command of `aquifer-server` works on.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "server/database/local_postgres.h"
#include "server/options.h"
#include "server/telemetry/log.h"

namespace aquifer {

// With the PostgreSQL that was started for it, if one was.
struct CommandDatabase {
  std::string url;
  std::unique_ptr<LocalPostgres> postgres;
};

// The one of the options; without a URL the embedded one, through the server that runs it or by
// starting it for the time of the command.
absl::StatusOr<CommandDatabase> FindCommandDatabase(const DatabaseOptions& database, Log& log);

}  // namespace aquifer
