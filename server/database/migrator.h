// Moves a database's schema between versions.
//
// Every migration runs in one transaction with its record, so it is there with its record or not
// at all. One that begins with `-- aquifer: no transaction` runs statement by statement instead;
// its statements can be repeated (IF NOT EXISTS), and it is simply run again after it was cut off.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <absl/types/span.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "repositories/migrations.h"
#include "server/database/connection.h"
#include "server/database/migration_connection.h"
#include "server/database/migration_records.h"
#include "server/database/schema_state.h"

namespace aquifer {

// One migration that was run, or in a dry run would be.
struct MigrationStep {
  int version;
  // "0002_collections".
  std::string name;
  MigrationDirection direction;
  absl::Duration duration;
};

struct MigratorOptions {
  // How long a statement may wait for a lock: everybody else queues behind it.
  absl::Duration lock_timeout = absl::Seconds(5);
  // How long to wait for another instance that migrates.
  absl::Duration wait = absl::Minutes(1);
  // How often a migration is tried that does not get a table's lock.
  int lock_attempts = 4;
  // The pause after the first such try; doubles.
  absl::Duration lock_pause = absl::Milliseconds(500);
  // Who applies it, for the records: the instance.
  std::string applied_by = "aquifer-server";
  // Told of each step as it ends.
  std::function<void(const MigrationStep&)> progress = [](const MigrationStep&) {};
};

enum class Execution { kApply, kDryRun };
enum class Consent { kNo, kYes };

// What the database has, for people: every migration of the program, and those it does not know.
struct MigrationStatus {
  MigrationRecord record;
  // False if only the database has it.
  bool known;
};

// Each call opens a connection of its own. Thread-safe, between processes too: of several that
// migrate at once one does, and the others find it done. A dry run and the reading calls change
// nothing, and work on a database that was never migrated.
//
// Errors: those of MigrationConnection, schema_state.h's, and DEADLINE_EXCEEDED if another instance
// migrates for longer than `wait`. A failed migration's name stands first in the message; the ones
// before it stay applied.
class Migrator {
 public:
  // `migrations` must outlive the migrator.
  Migrator(ConnectionSettings settings, absl::Span<const Migration> migrations,
           MigratorOptions options = {})
      : settings_(std::move(settings)), migrations_(migrations), options_(std::move(options)) {}

  absl::StatusOr<std::vector<MigrationStep>> Up(const Distance& distance = {},
                                                Execution execution = Execution::kApply);
  // FAILED_PRECONDITION without consent: data is lost with the tables that are dropped.
  absl::StatusOr<std::vector<MigrationStep>> Down(const Distance& distance, Consent consent,
                                                  Execution execution = Execution::kApply);

  absl::StatusOr<std::vector<MigrationStatus>> Status();
  // Every run, newest first.
  absl::StatusOr<std::vector<MigrationHistoryEntry>> History();
  // OK if the database has only, and unchanged, what this program has, and nothing unfinished.
  absl::Status Validate();
  // OK if a server of this program can work with the database; else SCHEMA_MISMATCH.
  absl::Status CheckWindow(const SchemaWindow& window);

 private:
  absl::StatusOr<std::vector<MigrationStep>> Run(MigrationDirection direction,
                                                 const Distance& distance, Execution execution);
  absl::StatusOr<std::vector<Migration>> Plan(MigrationConnection& connection,
                                              MigrationDirection direction,
                                              const Distance& distance);
  absl::StatusOr<std::vector<MigrationRecord>> Records();

  const ConnectionSettings settings_;
  const absl::Span<const Migration> migrations_;
  const MigratorOptions options_;
};

}  // namespace aquifer
