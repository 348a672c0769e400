// Running one migration in one direction, with its record.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "server/database/migration_connection.h"
#include "server/database/migration_records.h"

namespace aquifer {

struct LockRetry {
  int attempts;
  // After the first try; doubles.
  absl::Duration pause;
};

// Runs it and records the outcome. A failure is recorded as well, and answered with the migration's
// name and the statement's number; a transactional one leaves nothing else behind. `connection`
// holds the migrators' lock.
absl::Status RunMigration(MigrationConnection& connection, const MigrationRun& run,
                          const LockRetry& retry);

}  // namespace aquifer
