#include "server/database/migrator.h"

#include <absl/time/clock.h>

#include "server/database/migration_run.h"

namespace aquifer {
namespace {

// No records at all if there are no tables: the database was never migrated.
absl::StatusOr<std::vector<MigrationRecord>> ReadRecords(MigrationConnection& connection) {
  std::vector<MigrationRecord> records;
  const absl::Status status = connection.Transact([&](pqxx::transaction_base&, Session& session) {
    MigrationRecords tables(session);
    if (tables.Exist()) records = tables.All();
  });
  if (!status.ok()) return status;
  return records;
}

// Asks first, so that a role that may not create tables can run a program that is up to date.
absl::Status EnsureTables(MigrationConnection& connection) {
  return connection.Transact([](pqxx::transaction_base& transaction, Session& session) {
    if (!MigrationRecords(session).Exist()) MigrationRecords::Create(transaction);
  });
}

}  // namespace

absl::StatusOr<std::vector<MigrationStep>> Migrator::Up(const Distance& distance,
                                                        Execution execution) {
  return Run(MigrationDirection::kUp, distance, execution);
}

absl::StatusOr<std::vector<MigrationStep>> Migrator::Down(const Distance& distance, Consent consent,
                                                          Execution execution) {
  if (consent == Consent::kNo && execution == Execution::kApply) {
    return absl::FailedPreconditionError(
        "going back drops tables and the data in them: look at it with --dry-run, "
        "and repeat it with --yes");
  }
  return Run(MigrationDirection::kDown, distance, execution);
}

absl::StatusOr<std::vector<MigrationStep>> Migrator::Run(MigrationDirection direction,
                                                         const Distance& distance,
                                                         Execution execution) {
  auto connection = MigrationConnection::Open(settings_, options_.lock_timeout);
  if (!connection.ok()) return connection.status();
  if (execution == Execution::kApply) {
    // A waiting migrator sees what the one before it did, so the plan is made under the lock.
    absl::Status locked = (*connection)->Lock(absl::Now() + options_.wait);
    if (!locked.ok()) return locked;
    if (absl::Status made = EnsureTables(**connection); !made.ok()) return made;
  }
  const absl::StatusOr<std::vector<Migration>> plan = Plan(**connection, direction, distance);
  if (!plan.ok()) return plan.status();

  std::vector<MigrationStep> steps;
  for (const Migration& migration : *plan) {
    const absl::Time began = absl::Now();
    if (execution == Execution::kApply) {
      const absl::Status status =
          RunMigration(**connection, {migration, direction, began, options_.applied_by},
                       {options_.lock_attempts, options_.lock_pause});
      if (!status.ok()) return status;
    }
    steps.push_back({migration.version, NameOf(migration), direction, absl::Now() - began});
    options_.progress(steps.back());
  }
  return steps;
}

absl::StatusOr<std::vector<Migration>> Migrator::Plan(MigrationConnection& connection,
                                                      MigrationDirection direction,
                                                      const Distance& distance) {
  const auto records = ReadRecords(connection);
  if (!records.ok()) return records.status();
  return direction == MigrationDirection::kUp ? PlanUp(migrations_, *records, distance)
                                              : PlanDown(migrations_, *records, distance);
}

absl::StatusOr<std::vector<MigrationRecord>> Migrator::Records() {
  auto connection = MigrationConnection::Open(settings_, options_.lock_timeout);
  if (!connection.ok()) return connection.status();
  return ReadRecords(**connection);
}

absl::StatusOr<std::vector<MigrationStatus>> Migrator::Status() {
  const auto records = Records();
  if (!records.ok()) return records.status();
  std::vector<MigrationStatus> all;
  for (const Migration& migration : migrations_) {
    MigrationRecord pending;
    pending.version = migration.version;
    pending.name = std::string(migration.name);
    pending.state = MigrationState::kPending;
    all.push_back({pending, true});
  }
  for (const MigrationRecord& record : *records) {
    const std::size_t index = record.version - 1;
    if (index < migrations_.size()) {
      all[index].record = record;
    } else {
      all.push_back({record, false});
    }
  }
  return all;
}

absl::StatusOr<std::vector<MigrationHistoryEntry>> Migrator::History() {
  auto connection = MigrationConnection::Open(settings_, options_.lock_timeout);
  if (!connection.ok()) return connection.status();
  std::vector<MigrationHistoryEntry> history;
  const absl::Status status =
      (*connection)->Transact([&](pqxx::transaction_base&, Session& session) {
        MigrationRecords tables(session);
        if (tables.Exist()) history = tables.History();
      });
  if (!status.ok()) return status;
  return history;
}

absl::Status Migrator::Validate() {
  const auto records = Records();
  return records.ok() ? CheckAll(migrations_, *records) : records.status();
}

absl::Status Migrator::CheckWindow(const SchemaWindow& window) {
  const auto records = Records();
  return records.ok() ? aquifer::CheckWindow(migrations_, *records, window) : records.status();
}

}  // namespace aquifer
