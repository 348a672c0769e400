#include "server/database/migration_run.h"

#include <absl/functional/function_ref.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <cstddef>
#include <string>
#include <vector>

#include "repositories/row.h"
#include "server/database/sql_statements.h"

namespace aquifer {
namespace {

// An index whose concurrent build failed or was cut off stays behind, INVALID: it costs every write
// and serves no read.
constexpr Statement kInvalidIndex = {"migrations.invalid_index", R"sql(
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'aquifer'
  AND c.relname = $1::text
  AND NOT i.indisvalid
)sql"};

// A migration waits a short time for its locks, because everybody else queues behind it; so it
// tries again.
absl::Status Retrying(const LockRetry& retry, absl::FunctionRef<absl::Status()> body) {
  absl::Duration pause = retry.pause;
  for (int attempt = 1;; ++attempt) {
    absl::Status status = body();
    if (!absl::IsAborted(status) || attempt >= retry.attempts) return status;
    absl::SleepFor(pause);
    pause *= 2;
  }
}

absl::Status DropInvalidIndex(MigrationConnection& connection, const std::string& index) {
  std::string qualified;
  absl::Status status = connection.Transact([&](pqxx::transaction_base&, Session& session) {
    const pqxx::result found = session.Run(kInvalidIndex, index);
    if (!found.empty()) qualified = Row(found[0]).Text(0);
  });
  if (!status.ok() || qualified.empty()) return status;
  // A name cannot be a parameter; format('%I') quoted it.
  return connection.Execute(absl::StrCat("DROP INDEX CONCURRENTLY ", qualified));
}

absl::Status RunStatement(MigrationConnection& connection, const std::string& statement) {
  const std::string index = ConcurrentIndexOf(statement);
  if (!index.empty()) {
    absl::Status dropped = DropInvalidIndex(connection, index);
    if (!dropped.ok()) return dropped;
  }
  return connection.Execute(statement);
}

absl::string_view ScriptOf(const MigrationRun& run) {
  return run.direction == MigrationDirection::kUp ? run.migration.up_sql : run.migration.down_sql;
}

// Says which statement failed: the database's words do not.
absl::Status AtStatement(const absl::Status& status, std::size_t number, std::size_t count) {
  return absl::Status(status.code(),
                      absl::StrCat("statement ", number, " of ", count, ": ", status.message()));
}

absl::Status RunInTransaction(MigrationConnection& connection, const MigrationRun& run,
                              const LockRetry& retry) {
  const std::vector<std::string> statements = SplitStatements(ScriptOf(run));
  return Retrying(retry, [&] {
    // 0 once they are all through.
    std::size_t running = 0;
    const absl::Status status =
        connection.Transact([&](pqxx::transaction_base& transaction, Session& session) {
          for (const std::string& statement : statements) {
            ++running;
            transaction.exec(statement);
          }
          running = 0;
          MigrationRecords(session).Succeed(run);
        });
    return status.ok() || running == 0 ? status : AtStatement(status, running, statements.size());
  });
}

absl::Status RunStatementByStatement(MigrationConnection& connection, const MigrationRun& run,
                                     const LockRetry& retry) {
  absl::Status status = connection.Transact(
      [&](pqxx::transaction_base&, Session& session) { MigrationRecords(session).Begin(run); });
  if (!status.ok()) return status;
  const std::vector<std::string> statements = SplitStatements(ScriptOf(run));
  for (std::size_t i = 0; i < statements.size(); ++i) {
    status = Retrying(retry, [&] { return RunStatement(connection, statements[i]); });
    if (!status.ok()) return AtStatement(status, i + 1, statements.size());
  }
  return connection.Transact(
      [&](pqxx::transaction_base&, Session& session) { MigrationRecords(session).Succeed(run); });
}

}  // namespace

absl::Status RunMigration(MigrationConnection& connection, const MigrationRun& run,
                          const LockRetry& retry) {
  absl::Status status = run.migration.transactional
                            ? RunInTransaction(connection, run, retry)
                            : RunStatementByStatement(connection, run, retry);
  if (status.ok()) return status;
  // Best effort: the connection may be what failed.
  connection
      .Transact([&](pqxx::transaction_base&, Session& session) {
        MigrationRecords(session).Fail(run, std::string(status.message()));
      })
      .IgnoreError();
  return absl::Status(status.code(),
                      absl::StrCat("migration ", NameOf(run.migration), " ", NameOf(run.direction),
                                   " failed: ", status.message()));
}

}  // namespace aquifer
