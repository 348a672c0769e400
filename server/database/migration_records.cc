#include "server/database/migration_records.h"

#include <absl/time/clock.h>

#include "repositories/row.h"

namespace aquifer {
namespace {

// to_regclass needs no right on the schema and does not fail.
constexpr Statement kExist = {"migrations.exist", R"sql(
SELECT to_regclass('aquifer.schema_migrations') IS NOT NULL
  AND to_regclass('aquifer.schema_migration_history') IS NOT NULL
)sql"};

constexpr char kCreate[] = R"sql(
CREATE SCHEMA IF NOT EXISTS aquifer;

CREATE TABLE IF NOT EXISTS aquifer.schema_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  state text NOT NULL CHECK (state IN ('applying', 'applied', 'failed')),
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  duration_ms bigint,
  applied_by text NOT NULL
);

CREATE TABLE IF NOT EXISTS aquifer.schema_migration_history (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version integer NOT NULL,
  name text NOT NULL,
  checksum text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('up', 'down')),
  outcome text NOT NULL CHECK (outcome IN ('done', 'failed')),
  error text NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL,
  duration_ms bigint NOT NULL,
  applied_by text NOT NULL
);
)sql";

constexpr Statement kAll = {"migrations.all", R"sql(
SELECT version,
       name,
       checksum,
       state,
       to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       COALESCE(to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ''),
       COALESCE(duration_ms, 0),
       applied_by
FROM aquifer.schema_migrations
ORDER BY version
)sql"};

constexpr Statement kHistory = {"migrations.history", R"sql(
SELECT version,
       name,
       direction,
       outcome = 'done',
       error,
       to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       duration_ms,
       applied_by
FROM aquifer.schema_migration_history
ORDER BY id DESC
)sql"};

// finished_at and the duration stay NULL while it is under way.
constexpr Statement kSave = {"migrations.save", R"sql(
INSERT INTO aquifer.schema_migrations AS m
  (version, name, checksum, state, started_at, finished_at, duration_ms, applied_by)
VALUES ($1::integer, $2::text, $3::text, $4::text, $5::timestamptz,
        CASE WHEN $4::text <> 'applying' THEN $6::timestamptz END,
        CASE WHEN $4::text <> 'applying' THEN $7::bigint END, $8::text)
ON CONFLICT (version) DO UPDATE
SET name = EXCLUDED.name,
    checksum = EXCLUDED.checksum,
    state = EXCLUDED.state,
    started_at = EXCLUDED.started_at,
    finished_at = EXCLUDED.finished_at,
    duration_ms = EXCLUDED.duration_ms,
    applied_by = EXCLUDED.applied_by
)sql"};

constexpr Statement kDelete = {"migrations.delete", R"sql(
DELETE FROM aquifer.schema_migrations
WHERE version = $1::integer
)sql"};

constexpr Statement kAppend = {"migrations.append_history", R"sql(
INSERT INTO aquifer.schema_migration_history
  (version, name, checksum, direction, outcome, error, started_at, finished_at, duration_ms,
   applied_by)
VALUES ($1::integer, $2::text, $3::text, $4::text, $5::text, $6::text, $7::timestamptz,
        $8::timestamptz, $9::bigint, $10::text)
)sql"};

MigrationState StateFrom(const std::string& text) {
  if (text == "applied") return MigrationState::kApplied;
  return text == "failed" ? MigrationState::kFailed : MigrationState::kApplying;
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

}  // namespace

absl::string_view NameOf(MigrationDirection direction) {
  return direction == MigrationDirection::kUp ? "up" : "down";
}

bool MigrationRecords::Exist() { return Row(session_.Run(kExist)[0]).Bool(0); }

void MigrationRecords::Create(pqxx::transaction_base& transaction) { transaction.exec(kCreate); }

std::vector<MigrationRecord> MigrationRecords::All() {
  std::vector<MigrationRecord> records;
  for (const auto& fields : session_.Run(kAll)) {
    const Row row(fields);
    records.push_back({static_cast<int>(row.Int(0)), row.Text(1), row.Text(2),
                       StateFrom(row.Text(3)), row.Text(4), row.Text(5), row.Int(6), row.Text(7)});
  }
  return records;
}

std::vector<MigrationHistoryEntry> MigrationRecords::History() {
  std::vector<MigrationHistoryEntry> history;
  for (const auto& fields : session_.Run(kHistory)) {
    const Row row(fields);
    history.push_back({static_cast<int>(row.Int(0)), row.Text(1),
                       row.Text(2) == "up" ? MigrationDirection::kUp : MigrationDirection::kDown,
                       row.Bool(3), row.Text(4), row.Text(5), row.Int(6), row.Text(7)});
  }
  return history;
}

void MigrationRecords::Begin(const MigrationRun& run) { Save(run, "applying"); }

void MigrationRecords::Succeed(const MigrationRun& run) {
  if (run.direction == MigrationDirection::kUp) {
    Save(run, "applied");
  } else {
    session_.Run(kDelete, run.migration.version);
  }
  Append(run, "done", "");
}

void MigrationRecords::Fail(const MigrationRun& run, const std::string& error) {
  // A failed step back in a transaction changed nothing: the migration is still applied.
  if (run.direction == MigrationDirection::kUp || !run.migration.transactional) Save(run, "failed");
  Append(run, "failed", error);
}

void MigrationRecords::Save(const MigrationRun& run, const char* state) {
  const absl::Time now = absl::Now();
  session_.Run(kSave, run.migration.version, std::string(run.migration.name),
               std::string(run.migration.checksum), state, TimeText(run.started_at), TimeText(now),
               absl::ToInt64Milliseconds(now - run.started_at), run.applied_by);
}

void MigrationRecords::Append(const MigrationRun& run, const char* outcome,
                              const std::string& error) {
  const absl::Time now = absl::Now();
  session_.Run(kAppend, run.migration.version, std::string(run.migration.name),
               std::string(run.migration.checksum), std::string(NameOf(run.direction)), outcome,
               error, TimeText(run.started_at), TimeText(now),
               absl::ToInt64Milliseconds(now - run.started_at), run.applied_by);
}

}  // namespace aquifer
