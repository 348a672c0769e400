#include "server/database/transaction_attempt.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <typeinfo>
#include <utility>

#include "repositories/errors.h"
#include "repositories/row.h"

namespace aquifer {
namespace {

// What a caller is told to wait after the link broke.
constexpr absl::Duration kBrokenDelay = absl::Milliseconds(200);
// The same after a collision.
constexpr absl::Duration kConflictDelay = absl::Milliseconds(50);
// The least time a statement is given, however near the deadline is.
constexpr absl::Duration kLeastStatementTimeout = absl::Milliseconds(1);

// Added to BEGIN; the second also on the first transaction of a connection, which then knows for
// good.
constexpr char kMark[] = "; SELECT pg_current_xact_id()";
constexpr char kMarkAndRun[] =
    "; SELECT pg_current_xact_id(), "
    "concat_ws(' ', pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time())";

// What a connection in a transaction does while no statement runs on it.
constexpr char kBetweenStatements[] = "no statement";

std::string TypeName(const std::exception& exception) {
  const char* mangled = typeid(exception).name();
  char* readable = abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr);
  std::string name(readable ? readable : mangled);
  std::free(readable);
  return name;
}

absl::Status CallerLeft() { return MakeError(Reason::kCancelled, "the caller left"); }

// Thrown between two statements of a body that is no longer wanted.
struct NotWanted : std::exception {
  explicit NotWanted(absl::Status why) : status(std::move(why)) {}
  absl::Status status;
};

absl::Status ReadOnlyNow() {
  absl::Status status = MakeError(
      Reason::kDatabaseUnavailable, "the database is read-only now",
      {{"outcome", std::string(NameOf(CommitOutcome::kNotCommitted))}, {"sqlstate", "25006"}});
  SetRetryDelay(status, kBrokenDelay);
  return status;
}

}  // namespace

absl::Status DeadlinePassed(absl::string_view where) {
  return MakeError(Reason::kDeadlineExceeded, absl::StrCat("the deadline passed ", where));
}

absl::Status NothingWritten() {
  absl::Status status = MakeError(Reason::kDatabaseUnavailable,
                                  "the connection to the database broke; nothing was written",
                                  {{"outcome", std::string(NameOf(CommitOutcome::kNotCommitted))}});
  SetRetryDelay(status, kBrokenDelay);
  return status;
}

Attempt::Attempt(ConnectionPool& pool, Connection& connection, const TransactionCall& call,
                 Metrics* metrics, Receipt& receipt)
    : connection_(connection),
      call_(call),
      metrics_(metrics),
      receipt_(receipt),
      log_(pool.log()),
      cancellation_(call.cancellation != nullptr ? *call.cancellation : nobodys_),
      watch_(pool.watchdog(), connection.socket(), call.deadline - absl::Now(),
             IsImplicit(call.mode) ? &cancellation_ : nullptr),
      cancels_(pool.canceller(), connection.cancel_target(), &cancellation_),
      // No transaction of libpqxx: it would send BEGIN and the settings in two round trips.
      transaction_(connection.pqxx()),
      session_(transaction_, connection.prepared(), this) {}

AttemptOutcome Attempt::Run(absl::FunctionRef<absl::Status(Session&)> body) {
  AttemptOutcome outcome;
  try {
    outcome.status = Execute(body);
  } catch (const std::exception& exception) {
    outcome = Failed(exception);
    if (phase_ == Phase::kBody && session_.write()) {
      outcome.status = ErrorOfWrite(outcome.status, *session_.write());
    }
  }
  if (phase_ != Phase::kBegin) receipt_.rows = session_.rows();
  cancels_.End();
  if (cancels_.Unclean(ended_by_cancel_)) outcome.discard = CloseReason::kCancelled;
  RollBackIfOpen();
  connection_.set_activity(nullptr);
  return outcome;
}

absl::Status Attempt::Execute(absl::FunctionRef<absl::Status(Session&)> body) {
  if (absl::Status status = StillWanted("before the transaction began"); !status.ok()) {
    return status;
  }
  {
    Stopwatch watch(receipt_.sql);
    if (!IsImplicit(call_.mode)) Begin();
    phase_ = Phase::kBody;
    ++receipt_.attempts;
    if (absl::Status status = body(session_); !status.ok()) return status;
  }
  if (IsImplicit(call_.mode)) {
    if (call_.wants_position && !IsRead(call_.mode)) ReadPosition();
    return absl::OkStatus();
  }
  if (connection_.InFailedTransaction()) {
    return MakeError(Reason::kInternal, "a failed statement was passed over");
  }
  // A commit is not cancelled: nobody would know what became of it.
  cancels_.End();
  if (absl::Status status = StillWanted("before the commit"); !status.ok()) return status;
  Stopwatch watch(receipt_.commit);
  phase_ = Phase::kCommit;
  connection_.set_activity("COMMIT");
  Commit();
  return absl::OkStatus();
}

// The position travels with the commit, in the same round trip.
void Attempt::Commit() {
  if (!call_.wants_position || IsRead(call_.mode)) {
    transaction_.exec("COMMIT");
    return;
  }
  const pqxx::result position = transaction_.exec(absl::StrCat("COMMIT; ", kCommittedPosition.sql));
  receipt_.position = ParseWalPosition(Row(position[0]).Text(0)).value_or(0);
}

// Whatever goes wrong with it, the write has happened, and its caller may do without.
void Attempt::ReadPosition() {
  try {
    const pqxx::result position = transaction_.exec(kCommittedPosition.sql);
    receipt_.position = ParseWalPosition(Row(position[0]).Text(0)).value_or(0);
  } catch (const std::exception&) {
    receipt_.position = 0;
  }
}

// All in one round trip, what a lost commit will be looked up by included. Asking for the id
// gives a transaction one that may write nothing in the end; that costs less than a round trip
// later on, when it is known.
void Attempt::Begin() {
  connection_.set_activity("BEGIN");
  const pqxx::result begun = transaction_.exec(BeginText());
  if (IsRead(call_.mode)) return;
  const Row row(begun[0]);
  if (connection_.run().empty()) connection_.set_run(row.Text(1));
  mark_ = {.xid = row.Text(0), .run = connection_.run()};
}

// BEGIN and the time every statement, and its wait for a lock, gets. It is what is left of the
// deadline, so a statement never runs on for a caller that has gone.
std::string Attempt::BeginText() const {
  std::int64_t timeout_ms = 0;
  if (call_.deadline != absl::InfiniteFuture()) {
    const absl::Duration left = std::max(call_.deadline - absl::Now(), kLeastStatementTimeout);
    timeout_ms = std::clamp<std::int64_t>(absl::ToInt64Milliseconds(left), 1,
                                          std::numeric_limits<std::int32_t>::max());
  }
  std::string timeout = absl::StrCat("; SET LOCAL statement_timeout = ", timeout_ms);
  if (call_.lock_timeout != absl::InfiniteDuration()) {
    absl::StrAppend(&timeout,
                    "; SET LOCAL lock_timeout = ", absl::ToInt64Milliseconds(call_.lock_timeout));
  }
  if (call_.mode == TransactionMode::kReadOnly) {
    return absl::StrCat("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", timeout);
  }
  return absl::StrCat("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", timeout,
                      connection_.run().empty() ? kMarkAndRun : kMark);
}

void Attempt::Enter(const Statement& statement) {
  if (absl::Status status = StillWanted("between two statements"); !status.ok()) {
    throw NotWanted(std::move(status));
  }
  statement_began_ = absl::Now();
  connection_.set_activity(statement.name);
}

void Attempt::Leave(const Statement& statement) {
  connection_.set_activity(kBetweenStatements);
  if (metrics_ == nullptr) return;
  metrics_->StatementDone(statement.name, absl::Now() - statement_began_);
}

absl::Status Attempt::StillWanted(absl::string_view where) const {
  if (absl::Now() >= call_.deadline) return DeadlinePassed(where);
  return Left() ? CallerLeft() : absl::OkStatus();
}

AttemptOutcome Attempt::Failed(const std::exception& exception) {
  if (const auto* unwanted = dynamic_cast<const NotWanted*>(&exception)) {
    return {.status = unwanted->status};
  }
  const SqlError error = DescribeSqlError(exception);
  // Before the deadline it was not the time limit, which answers with the same code.
  if (error.sqlstate == "57014" && Left()) {
    ended_by_cancel_ = IsImplicit(call_.mode) || absl::Now() < call_.deadline;
    if (absl::Now() < call_.deadline) return {.status = CallerLeft()};
  }
  // One that arrived late may have met the question after the commit.
  const bool late_cancel =
      error.sqlstate == "57014" && phase_ == Phase::kCommit && call_.wants_position;
  if (IsBroken(error) || !connection_.pqxx().is_open() || late_cancel) return Broken();
  if (IsReadOnlyNow(error)) {
    return {.kind = AttemptOutcome::Kind::kNoPrimary,
            .status = ReadOnlyNow(),
            .discard = CloseReason::kOutdated};
  }
  const absl::string_view statement =
      phase_ == Phase::kBody && session_.current() ? session_.current()->name : "";
  AttemptOutcome outcome;
  outcome.failed = true;
  // A write in a transaction that we opened for reading is our fault, not a failover.
  outcome.status = error.sqlstate == "25006"
                       ? MakeError(Reason::kInternal, "a write in a read-only transaction")
                       : SqlStatus(error, statement);
  if (IsCollision(error)) {
    outcome.kind = AttemptOutcome::Kind::kCollision;
    SetRetryDelay(outcome.status, kConflictDelay);
  } else if (IsStalePlan(error)) {
    outcome.kind = AttemptOutcome::Kind::kStalePlans;
  }
  if (ReasonOf(outcome.status) == "INTERNAL" ||
      EntryOf(ReasonOfSqlState(error.sqlstate)).retry == Retry::kNever) {
    LogFailure(exception, error, statement);
  }
  return outcome;
}

AttemptOutcome Attempt::Broken() {
  AttemptOutcome outcome;
  if (phase_ == Phase::kCommit) {
    // A read was complete and had nothing to commit.
    if (IsRead(call_.mode)) return outcome;
    outcome.kind = AttemptOutcome::Kind::kInDoubt;
    outcome.mark = mark_;
    return outcome;
  }
  if (call_.mode == TransactionMode::kWriteImplicitly && phase_ == Phase::kBody) {
    outcome.kind = AttemptOutcome::Kind::kCutOff;
    outcome.backend = connection_.backend_mark();
    return outcome;
  }
  outcome.kind =
      phase_ == Phase::kBegin ? AttemptOutcome::Kind::kDead : AttemptOutcome::Kind::kBroken;
  if (absl::Now() >= call_.deadline) {
    outcome.status = DeadlinePassed("while the database did not answer");
    return outcome;
  }
  outcome.status = NothingWritten();
  return outcome;
}

// A standby says 0A000 to a BEGIN for writing.
bool Attempt::IsReadOnlyNow(const SqlError& error) const {
  if (IsRead(call_.mode)) return false;
  return error.sqlstate == "25006" || (phase_ == Phase::kBegin && error.sqlstate == "0A000");
}

// An error's text can hold values of parameters and rows, so it is left out, but for class 42:
// there it names our own tables and columns.
void Attempt::LogFailure(const std::exception& exception, const SqlError& error,
                         absl::string_view statement) {
  LogLine line(LogLevel::kError, "transaction_failed");
  line.Add("method", call_.method)
      .Add("request_id", call_.request_id)
      .Add("statement", statement)
      .Add("sqlstate", error.sqlstate)
      .Add("constraint", error.constraint)
      .Add("exception", TypeName(exception));
  if (absl::StartsWith(error.sqlstate, "42")) {
    const absl::string_view text = exception.what();
    line.Add("message", text.substr(0, text.find('\n')));
  }
  log_.Write(line);
}

void Attempt::RollBackIfOpen() {
  if (!connection_.InTransaction()) return;
  try {
    transaction_.exec("ROLLBACK");
  } catch (const std::exception&) {
  }
}

}  // namespace aquifer
