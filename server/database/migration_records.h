// The migrator's own tables: what is applied, and everything that was ever run.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "repositories/migrations.h"
#include "repositories/session.h"
#include "server/database/schema_state.h"

namespace aquifer {

enum class MigrationDirection { kUp, kDown };

// "up" or "down", as the history and the command line have it.
absl::string_view NameOf(MigrationDirection direction);

// A row of aquifer.schema_migration_history.
struct MigrationHistoryEntry {
  int version = 0;
  std::string name;
  MigrationDirection direction = MigrationDirection::kUp;
  bool succeeded = false;
  std::string error;
  std::string finished_at;
  std::int64_t duration_ms = 0;
  std::string applied_by;
};

// What one run of a migration leaves in the tables.
struct MigrationRun {
  const Migration& migration;
  MigrationDirection direction;
  absl::Time started_at;
  std::string applied_by;
};

// Reads and writes the tables inside one transaction; lets pqxx exceptions fly.
class MigrationRecords {
 public:
  explicit MigrationRecords(Session& session) : session_(session) {}

  // Whether the tables are there. Nothing below but Create works without them.
  bool Exist();
  // Makes schema aquifer and the tables if they are missing.
  static void Create(pqxx::transaction_base& transaction);

  std::vector<MigrationRecord> All();
  // Newest first.
  std::vector<MigrationHistoryEntry> History();

  // A migration outside a transaction begins.
  void Begin(const MigrationRun& run);
  // The migration was applied, or taken back.
  void Succeed(const MigrationRun& run);
  void Fail(const MigrationRun& run, const std::string& error);

 private:
  void Save(const MigrationRun& run, const char* state);
  void Append(const MigrationRun& run, const char* outcome, const std::string& error);

  Session& session_;
};

}  // namespace aquifer
