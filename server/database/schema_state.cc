#include "server/database/schema_state.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>

#include "repositories/errors.h"

namespace aquifer {
namespace {

int Newest(absl::Span<const Migration> migrations) {
  return migrations.empty() ? 0 : migrations.back().version;
}

const MigrationRecord* RecordOf(absl::Span<const MigrationRecord> records, int version) {
  for (const MigrationRecord& record : records) {
    if (record.version == version) return &record;
  }
  return nullptr;
}

bool IsApplied(absl::Span<const MigrationRecord> records, int version) {
  const MigrationRecord* record = RecordOf(records, version);
  return record != nullptr && record->state == MigrationState::kApplied;
}

int NewestApplied(absl::Span<const MigrationRecord> records) {
  int newest = 0;
  for (const MigrationRecord& record : records) {
    if (record.state == MigrationState::kApplied) newest = std::max(newest, record.version);
  }
  return newest;
}

// Whether something of it may be in the database. One in a transaction leaves nothing unless it was
// applied; one outside may have been cut off half way.
bool MayBeThere(const Migration& migration, absl::Span<const MigrationRecord> records) {
  const MigrationRecord* record = RecordOf(records, migration.version);
  if (record == nullptr) return false;
  return record->state == MigrationState::kApplied || !migration.transactional;
}

absl::Status CheckDistance(absl::Span<const Migration> migrations, const Distance& distance) {
  const int newest = Newest(migrations);
  if (distance.to && (*distance.to < 0 || *distance.to > newest)) {
    return absl::InvalidArgumentError(absl::StrCat("there is no version ", *distance.to,
                                                   ": this program has migrations 1 to ", newest));
  }
  if (distance.steps && *distance.steps < 1) {
    return absl::InvalidArgumentError("the number of steps must be at least 1");
  }
  return absl::OkStatus();
}

}  // namespace

std::string NameOf(const Migration& migration) {
  return absl::StrFormat("%04d_%s", migration.version, migration.name);
}

std::string NameOf(const MigrationRecord& record) {
  return absl::StrFormat("%04d_%s", record.version, record.name);
}

absl::Status CheckApplied(absl::Span<const Migration> migrations,
                          absl::Span<const MigrationRecord> records) {
  const int newest_applied = NewestApplied(records);
  for (const Migration& migration : migrations) {
    if (!IsApplied(records, migration.version)) {
      if (migration.version > newest_applied) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("migration ", NameOf(migration), " is not applied, but version ",
                       newest_applied, " is: the database's records have a gap"));
    }
    const MigrationRecord& record = *RecordOf(records, migration.version);
    if (record.checksum == migration.checksum && record.name == migration.name) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "migration ", NameOf(record), " was applied with another text (checksum ", record.checksum,
        ") than this program has (", NameOf(migration), ", ", std::string(migration.checksum),
        "): an applied migration must not be edited; add a new one"));
  }
  return absl::OkStatus();
}

absl::Status CheckAll(absl::Span<const Migration> migrations,
                      absl::Span<const MigrationRecord> records) {
  if (absl::Status status = CheckApplied(migrations, records); !status.ok()) return status;
  for (const MigrationRecord& record : records) {
    if (record.version > Newest(migrations)) {
      return absl::FailedPreconditionError(
          absl::StrCat("migration ", NameOf(record), " in the database is not known to this ",
                       "program, which has migrations up to ", Newest(migrations)));
    }
    if (record.state != MigrationState::kApplied) {
      return absl::FailedPreconditionError(
          absl::StrCat("migration ", NameOf(record),
                       record.state == MigrationState::kFailed ? " failed" : " was cut off",
                       " when it was last tried: run aquifer-server migrate up"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Migration>> PlanUp(absl::Span<const Migration> migrations,
                                              absl::Span<const MigrationRecord> records,
                                              const Distance& distance) {
  if (absl::Status status = CheckDistance(migrations, distance); !status.ok()) return status;
  if (absl::Status status = CheckApplied(migrations, records); !status.ok()) return status;
  std::vector<Migration> plan;
  for (const Migration& migration : migrations) {
    if (distance.to && migration.version > *distance.to) break;
    if (distance.steps && static_cast<int>(plan.size()) == *distance.steps) break;
    if (!IsApplied(records, migration.version)) plan.push_back(migration);
  }
  return plan;
}

absl::StatusOr<std::vector<Migration>> PlanDown(absl::Span<const Migration> migrations,
                                                absl::Span<const MigrationRecord> records,
                                                const Distance& distance) {
  if (absl::Status status = CheckDistance(migrations, distance); !status.ok()) return status;
  if (absl::Status status = CheckApplied(migrations, records); !status.ok()) return status;
  for (const MigrationRecord& record : records) {
    if (record.version <= Newest(migrations)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("migration ", NameOf(record), " is not known to this program: take it back ",
                     "with the program that applied it"));
  }
  const int steps = distance.steps.value_or(distance.to ? static_cast<int>(migrations.size()) : 1);
  std::vector<Migration> plan;
  for (auto migration = migrations.rbegin(); migration != migrations.rend(); ++migration) {
    if (migration->version <= distance.to.value_or(0)) break;
    if (static_cast<int>(plan.size()) == steps) break;
    if (MayBeThere(*migration, records)) plan.push_back(*migration);
  }
  return plan;
}

absl::Status CheckWindow(absl::Span<const Migration> migrations,
                         absl::Span<const MigrationRecord> records, const SchemaWindow& window) {
  for (const Migration& migration : migrations) {
    if (migration.version > window.min || IsApplied(records, migration.version)) continue;
    return MakeError(Reason::kSchemaMismatch,
                     absl::StrCat("migration ", NameOf(migration),
                                  " is missing in the database: run aquifer-server migrate up"),
                     {{"migration", NameOf(migration)}});
  }
  const int newest = NewestApplied(records);
  if (newest <= window.max) return absl::OkStatus();
  return MakeError(
      Reason::kSchemaMismatch,
      absl::StrCat("the database has schema version ", newest,
                   ", and this server works with at most ", window.max, ": deploy a newer server"),
      {{"version", absl::StrCat(newest)}, {"max", absl::StrCat(window.max)}});
}

}  // namespace aquifer
