// What a program's migrations and a database's records say together. Pure: no database here.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "repositories/migrations.h"

namespace aquifer {

enum class MigrationState {
  // Not in the database, or taken back.
  kPending,
  // A migration outside a transaction that is under way, or was cut off.
  kApplying,
  kApplied,
  // The last try failed; the next `up` tries again.
  kFailed,
};

// A row of aquifer.schema_migrations.
struct MigrationRecord {
  int version = 0;
  std::string name;
  std::string checksum;
  MigrationState state = MigrationState::kApplied;
  std::string started_at;
  std::string finished_at;
  std::int64_t duration_ms = 0;
  std::string applied_by;
};

// "0002_collections".
std::string NameOf(const Migration& migration);
std::string NameOf(const MigrationRecord& record);

// OK if what is applied is a prefix of `migrations`, unchanged. FAILED_PRECONDITION names the first
// one that was changed since it was applied, or is missing below an applied one. Records beyond the
// last migration are a newer program's and not looked at.
absl::Status CheckApplied(absl::Span<const Migration> migrations,
                          absl::Span<const MigrationRecord> records);

// Also FAILED_PRECONDITION if the database has migrations this program does not know, or has one
// that failed or was cut off.
absl::Status CheckAll(absl::Span<const Migration> migrations,
                      absl::Span<const MigrationRecord> records);

// How far to go: to a version, by a number of steps, or (neither) all the way.
struct Distance {
  std::optional<int> to;
  std::optional<int> steps;
};

// What to apply, in order. INVALID_ARGUMENT if there is no such version.
absl::StatusOr<std::vector<Migration>> PlanUp(absl::Span<const Migration> migrations,
                                              absl::Span<const MigrationRecord> records,
                                              const Distance& distance);

// What to take back, newest first; neither distance means one step. FAILED_PRECONDITION if this
// program does not know one of them.
absl::StatusOr<std::vector<Migration>> PlanDown(absl::Span<const Migration> migrations,
                                                absl::Span<const MigrationRecord> records,
                                                const Distance& distance);

// OK if the database's schema is one this program works with; else SCHEMA_MISMATCH naming the
// first missing migration, or the version that is too new.
absl::Status CheckWindow(absl::Span<const Migration> migrations,
                         absl::Span<const MigrationRecord> records, const SchemaWindow& window);

}  // namespace aquifer
