#include "server/database/migration_connection.h"

#include <absl/random/random.h>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/time/clock.h>

#include <algorithm>

#include "repositories/row.h"
#include "server/database/sql_status.h"

namespace aquifer {
namespace {

// Polled, not waited for in the database: a session that waits inside a statement holds a snapshot,
// and CREATE INDEX CONCURRENTLY of the lock's holder would wait for that snapshot in turn.
constexpr Statement kTryLock = {"migrations.try_lock", R"sql(
SELECT pg_try_advisory_lock($1::bigint)
)sql"};

constexpr Statement kLockHolder = {"migrations.lock_holder", R"sql(
SELECT a.pid,
       a.application_name
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory'
  AND l.granted
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND l.classid = ($1::bigint >> 32)::oid
  AND l.objid = ($1::bigint & 4294967295)::oid
  AND l.objsubid = 1
)sql"};

constexpr Statement kConfigure = {"migrations.configure", R"sql(
SELECT set_config('lock_timeout', $1::text, false),
       set_config('statement_timeout', '0', false),
       set_config('idle_in_transaction_session_timeout', '0', false),
       set_config('client_min_messages', 'warning', false)
)sql"};

// "Aquifer" in ASCII: any number no one else uses.
constexpr std::int64_t kLockKey = 0x41717569666572;

constexpr absl::string_view kLockNotAvailable = "55P03";
constexpr absl::string_view kInDoubt = "40003";
constexpr absl::string_view kDataException = "22";

constexpr absl::Duration kShortestPoll = absl::Milliseconds(20);
constexpr absl::Duration kLongestPoll = absl::Milliseconds(500);

// A value of the data may stand in quotes in an error about data (class 22), and nowhere else in a
// first line.
std::string WithoutValues(absl::string_view message) {
  const std::size_t first = message.find('"');
  if (first == absl::string_view::npos) return std::string(message);
  const std::size_t last = message.rfind('"');
  return absl::StrCat(message.substr(0, first), "\"...\"",
                      last > first ? message.substr(last + 1) : "");
}

// The first line of the database's words, and the SQLSTATE. What follows it (DETAIL, CONTEXT) holds
// rows, and this text goes to logs, to the terminal and into the history.
std::string MessageOf(const std::exception& exception, const SqlError& error) {
  absl::string_view text = exception.what();
  text = absl::StripAsciiWhitespace(text.substr(0, text.find('\n')));
  const std::string code = absl::StrCat(error.sqlstate, ": ");
  if (const std::size_t at = text.find(code);
      !error.sqlstate.empty() && at != absl::string_view::npos) {
    text.remove_prefix(at + code.size());
  }
  std::string message =
      absl::StartsWith(error.sqlstate, kDataException) ? WithoutValues(text) : std::string(text);
  if (!error.sqlstate.empty()) absl::StrAppend(&message, " (SQLSTATE ", error.sqlstate, ")");
  return message;
}

// The one place of the migrator that sees exceptions.
absl::Status Guarded(absl::FunctionRef<void()> body) {
  try {
    body();
    return absl::OkStatus();
  } catch (const std::exception& exception) {
    const SqlError error = DescribeSqlError(exception);
    const std::string message = MessageOf(exception, error);
    if (IsCollision(error) || error.sqlstate == kLockNotAvailable) {
      return absl::AbortedError(message);
    }
    if (IsBroken(error) || error.sqlstate == kInDoubt) return absl::UnavailableError(message);
    return absl::FailedPreconditionError(message);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<MigrationConnection>> MigrationConnection::Open(
    const ConnectionSettings& settings, absl::Duration lock_timeout) {
  std::string detail;
  auto opened = Connection::Open(settings, absl::Now() + settings.connect_timeout, &detail);
  if (!opened.ok()) {
    if (detail.empty()) return opened.status();
    // A line for each host that was tried, some with a hint below.
    const std::string words =
        absl::StrReplaceAll(absl::StripAsciiWhitespace(detail), {{"\n\t", "; "}, {"\n", "; "}});
    return absl::Status(opened.status().code(),
                        absl::StrCat(opened.status().message(), ": ", words));
  }
  std::unique_ptr<MigrationConnection> connection(new MigrationConnection(*std::move(opened)));
  const absl::Status configured =
      connection->Transact([&](pqxx::transaction_base&, Session& session) {
        session.Run(kConfigure, absl::StrCat(absl::ToInt64Milliseconds(lock_timeout), "ms"));
      });
  if (!configured.ok()) return configured;
  return connection;
}

absl::Status MigrationConnection::Transact(
    absl::FunctionRef<void(pqxx::transaction_base&, Session&)> body) {
  return Guarded([&] {
    pqxx::work transaction(connection_->pqxx());
    Session session(transaction, connection_->prepared());
    body(transaction, session);
    transaction.commit();
  });
}

absl::Status MigrationConnection::Execute(const std::string& sql) {
  return Guarded([&] {
    pqxx::nontransaction transaction(connection_->pqxx());
    transaction.exec(sql);
    transaction.commit();
  });
}

absl::Status MigrationConnection::Lock(absl::Time deadline) {
  absl::Duration pause = kShortestPoll;
  absl::BitGen random;
  while (true) {
    bool locked = false;
    std::string holder;
    absl::Status asked = Transact([&](pqxx::transaction_base&, Session& session) {
      locked = Row(session.Run(kTryLock, kLockKey)[0]).Bool(0);
      if (locked) return;
      const pqxx::result held = session.Run(kLockHolder, kLockKey);
      if (held.empty()) return;
      const Row row(held[0]);
      holder = absl::StrCat(" (process ", row.Int(0), " of the database, ", row.Text(1), ")");
    });
    if (!asked.ok()) return asked;
    if (locked) return absl::OkStatus();
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(
          absl::StrCat("another instance", holder, " is still migrating this database"));
    }
    absl::SleepFor(std::min(left, pause * absl::Uniform(random, 0.5, 1.0)));
    pause = std::min(pause * 2, kLongestPoll);
  }
}

}  // namespace aquifer
