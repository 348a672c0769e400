#include "server/database/transaction_runner.h"

#include <absl/random/random.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>

#include "repositories/errors.h"
#include "repositories/row.h"
#include "server/database/sql_status.h"

namespace aquifer {
namespace {

// Connections found dead in a row before the call gives up: more than any pool keeps idle.
constexpr int kMostDeadConnections = 256;
// What a caller is told to wait after the link broke, and after too many collisions.
constexpr absl::Duration kBrokenDelay = absl::Milliseconds(200);
constexpr absl::Duration kConflictDelay = absl::Milliseconds(50);
// How often a call that waits for a primary asks whether there is one.
constexpr absl::Duration kPrimaryPause = absl::Milliseconds(50);

// Added to BEGIN; the second also on the first transaction of a connection, which then knows for
// good.
constexpr char kMark[] = "; SELECT pg_current_xact_id()";
constexpr char kMarkAndRun[] =
    "; SELECT pg_current_xact_id(), "
    "concat_ws(' ', pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time())";

// What a connection in a transaction does while no statement runs on it.
constexpr char kBetweenStatements[] = "no statement";

enum class Phase { kBegin, kBody, kCommit };

// How one attempt ended, and what may follow.
struct Outcome {
  enum class Kind {
    kFinished,    // with `status`, whatever it is
    kDead,        // the connection was dead before anything was done
    kBroken,      // it broke while the body ran
    kInDoubt,     // it broke while the transaction committed
    kCutOff,      // it broke while a statement ran that commits by itself
    kCollision,   // with another transaction
    kNoPrimary,   // the database takes no writes any more
    kStalePlans,  // prepared statements are gone or outdated
  };
  Kind kind = Kind::kFinished;
  absl::Status status;
  // Why the connection must not serve again, if it must not.
  std::optional<CloseReason> discard;
  // Of a transaction in doubt.
  TransactionMark mark;
  // Of a statement that was cut off.
  BackendMark backend;
};

// Adds the time until its end to `sum`.
class Stopwatch {
 public:
  explicit Stopwatch(absl::Duration& sum) : sum_(sum), began_(absl::Now()) {}
  ~Stopwatch() { sum_ += absl::Now() - began_; }

 private:
  absl::Duration& sum_;
  const absl::Time began_;
};

std::string TypeName(const std::exception& exception) {
  const char* mangled = typeid(exception).name();
  char* readable = abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr);
  std::string name(readable ? readable : mangled);
  std::free(readable);
  return name;
}

absl::Status DeadlinePassed(absl::string_view where) {
  return MakeError(Reason::kDeadlineExceeded, absl::StrCat("the deadline passed ", where));
}

absl::Status CallerLeft() { return MakeError(Reason::kCancelled, "the caller left"); }

// Thrown between two statements of a body that is no longer wanted.
struct NotWanted : std::exception {
  explicit NotWanted(absl::Status why) : status(std::move(why)) {}
  absl::Status status;
};

absl::Status NothingWritten() {
  absl::Status status = MakeError(Reason::kDatabaseUnavailable,
                                  "the connection to the database broke; nothing was written",
                                  {{"outcome", std::string(NameOf(CommitOutcome::kNotCommitted))}});
  SetRetryDelay(status, kBrokenDelay);
  return status;
}

absl::Status ReadOnlyNow() {
  absl::Status status = MakeError(
      Reason::kDatabaseUnavailable, "the database is read-only now",
      {{"outcome", std::string(NameOf(CommitOutcome::kNotCommitted))}, {"sqlstate", "25006"}});
  SetRetryDelay(status, kBrokenDelay);
  return status;
}

absl::Status InDoubt() {
  return MakeError(Reason::kCommitInDoubt, "it is not known whether the transaction committed",
                   {{"outcome", std::string(NameOf(CommitOutcome::kUnknown))}});
}

// A call's wait for a primary, and its place among those that may wait.
class PrimaryWait {
 public:
  PrimaryWait(ConnectionPool& pool, const TransactionCall& call) : pool_(pool), call_(call) {}
  ~PrimaryWait() {
    if (waits_) pool_.LeaveWait();
  }
  PrimaryWait(const PrimaryWait&) = delete;
  PrimaryWait& operator=(const PrimaryWait&) = delete;

  // Pauses before another try; false if there is no place or no time for one.
  bool Again() {
    if (!waits_ && !pool_.TryWait()) return false;
    waits_ = true;
    const bool left = call_.cancellation != nullptr && call_.cancellation->cancelled();
    if (left || absl::Now() + kPrimaryPause >= call_.deadline) return false;
    absl::SleepFor(kPrimaryPause);
    return true;
  }

 private:
  ConnectionPool& pool_;
  const TransactionCall& call_;
  bool waits_ = false;
};

// One run of the body on one connection.
class Attempt final : private StatementGate {
 public:
  Attempt(ConnectionPool& pool, Connection& connection, const TransactionCall& call,
          const TransactionRunnerOptions& options, Receipt& receipt)
      : connection_(connection),
        call_(call),
        options_(options),
        receipt_(receipt),
        log_(pool.log()),
        cancellation_(call.cancellation != nullptr ? *call.cancellation : nobodys_),
        watch_(pool.watchdog(), connection.socket(), call.deadline - absl::Now(),
               IsImplicit(call.mode) ? &cancellation_ : nullptr),
        cancels_(pool.canceller(), connection.cancel_target(), &cancellation_),
        // No transaction of libpqxx: it would send BEGIN and the settings in two round trips.
        transaction_(connection.pqxx()),
        session_(transaction_, connection.prepared(), this) {}

  Outcome Run(absl::FunctionRef<absl::Status(Session&)> body) {
    Outcome outcome;
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

 private:
  absl::Status Execute(absl::FunctionRef<absl::Status(Session&)> body) {
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
    if (IsImplicit(call_.mode)) return absl::OkStatus();
    if (connection_.InFailedTransaction()) {
      return MakeError(Reason::kInternal, "a failed statement was passed over");
    }
    // A commit is not cancelled: nobody would know what became of it.
    cancels_.End();
    if (absl::Status status = StillWanted("before the commit"); !status.ok()) return status;
    Stopwatch watch(receipt_.commit);
    phase_ = Phase::kCommit;
    connection_.set_activity("COMMIT");
    transaction_.exec("COMMIT");
    return absl::OkStatus();
  }

  // The time limit that BEGIN set is each statement's; this bounds their sum.
  void Enter(const Statement& statement) override {
    if (absl::Status status = StillWanted("between two statements"); !status.ok()) {
      throw NotWanted(std::move(status));
    }
    statement_began_ = absl::Now();
    connection_.set_activity(statement.name);
  }

  void Leave(const Statement& statement) override {
    connection_.set_activity(kBetweenStatements);
    if (options_.metrics == nullptr) return;
    options_.metrics->StatementDone(statement.name, absl::Now() - statement_began_);
  }

  absl::Status StillWanted(absl::string_view where) const {
    if (absl::Now() >= call_.deadline) return DeadlinePassed(where);
    return Left() ? CallerLeft() : absl::OkStatus();
  }

  // Whoever waited for the call does so no more, be it that its time is up.
  bool Left() const { return cancellation_.cancelled(); }

  // All in one round trip, what a lost commit will be looked up by included. Asking for the id
  // gives a transaction one that may write nothing in the end; that costs less than a round trip
  // later on, when it is known.
  void Begin() {
    connection_.set_activity("BEGIN");
    const pqxx::result begun = transaction_.exec(BeginText());
    if (IsRead(call_.mode)) return;
    const Row row(begun[0]);
    if (connection_.run().empty()) connection_.set_run(row.Text(1));
    mark_ = {.xid = row.Text(0), .run = connection_.run()};
  }

  // BEGIN and the time every statement gets. It is what is left of the deadline, so a statement
  // never runs on for a caller that has gone.
  std::string BeginText() const {
    std::int64_t timeout_ms = 0;
    if (call_.deadline != absl::InfiniteFuture()) {
      const absl::Duration left =
          std::max(call_.deadline - absl::Now(), options_.min_statement_timeout);
      timeout_ms = std::clamp<std::int64_t>(absl::ToInt64Milliseconds(left), 1,
                                            std::numeric_limits<std::int32_t>::max());
    }
    const std::string timeout = absl::StrCat("; SET LOCAL statement_timeout = ", timeout_ms);
    if (call_.mode == TransactionMode::kReadOnly) {
      return absl::StrCat("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", timeout);
    }
    return absl::StrCat("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", timeout,
                        connection_.run().empty() ? kMarkAndRun : kMark);
  }

  Outcome Failed(const std::exception& exception) {
    if (const auto* unwanted = dynamic_cast<const NotWanted*>(&exception)) {
      return {.status = unwanted->status};
    }
    const SqlError error = DescribeSqlError(exception);
    // Before the deadline it was not the time limit, which answers with the same code.
    if (error.sqlstate == "57014" && Left()) {
      ended_by_cancel_ = IsImplicit(call_.mode) || absl::Now() < call_.deadline;
      if (absl::Now() < call_.deadline) return {.status = CallerLeft()};
    }
    if (IsBroken(error) || !connection_.pqxx().is_open()) return Broken();
    // A write in a transaction that we opened for reading is our fault, not a failover.
    // A standby says 0A000 to a BEGIN for writing.
    const bool read_only_now =
        !IsRead(call_.mode) &&
        (error.sqlstate == "25006" || (phase_ == Phase::kBegin && error.sqlstate == "0A000"));
    const absl::string_view statement =
        phase_ == Phase::kBody && session_.current() ? session_.current()->name : "";
    Outcome outcome;
    outcome.status = error.sqlstate == "25006" && !read_only_now
                         ? MakeError(Reason::kInternal, "a write in a read-only transaction")
                         : SqlStatus(error, statement);
    if (read_only_now) {
      outcome.kind = Outcome::Kind::kNoPrimary;
      outcome.status = ReadOnlyNow();
      outcome.discard = CloseReason::kOutdated;
    } else if (IsCollision(error)) {
      outcome.kind = Outcome::Kind::kCollision;
      SetRetryDelay(outcome.status, kConflictDelay);
    } else if (IsStalePlan(error)) {
      outcome.kind = Outcome::Kind::kStalePlans;
    }
    if (read_only_now) return outcome;
    if (ReasonOf(outcome.status) == "INTERNAL" ||
        EntryOf(ReasonOfSqlState(error.sqlstate)).retry == Retry::kNever) {
      LogFailure(exception, error, statement);
    }
    return outcome;
  }

  Outcome Broken() {
    Outcome outcome;
    if (phase_ == Phase::kCommit) {
      // A read was complete and had nothing to commit.
      if (IsRead(call_.mode)) return outcome;
      outcome.kind = Outcome::Kind::kInDoubt;
      outcome.mark = mark_;
      return outcome;
    }
    if (call_.mode == TransactionMode::kWriteImplicitly && phase_ == Phase::kBody) {
      outcome.kind = Outcome::Kind::kCutOff;
      outcome.backend = connection_.backend_mark();
      return outcome;
    }
    outcome.kind = phase_ == Phase::kBegin ? Outcome::Kind::kDead : Outcome::Kind::kBroken;
    if (absl::Now() >= call_.deadline) {
      outcome.status = DeadlinePassed("while the database did not answer");
      return outcome;
    }
    outcome.status = NothingWritten();
    return outcome;
  }

  // An error's text can hold values of parameters and rows, so it is left out, but for class 42:
  // there it names our own tables and columns.
  void LogFailure(const std::exception& exception, const SqlError& error,
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

  // If this fails, the connection shows it: it is not idle, and so not lent again.
  void RollBackIfOpen() {
    if (!connection_.InTransaction()) return;
    try {
      transaction_.exec("ROLLBACK");
    } catch (const std::exception&) {
    }
  }

  Connection& connection_;
  const TransactionCall& call_;
  const TransactionRunnerOptions& options_;
  Receipt& receipt_;
  Log& log_;
  Phase phase_ = Phase::kBegin;
  TransactionMark mark_;
  bool ended_by_cancel_ = false;
  absl::Time statement_began_;
  Cancellation nobodys_;
  Cancellation& cancellation_;
  const LinkWatchdog::Watch watch_;
  CancelScope cancels_;
  pqxx::nontransaction transaction_;
  Session session_;
};

// Forgets what is prepared on the connection, or the connection itself if that fails.
void DropPlans(ConnectionPool::Lease& lease) {
  try {
    lease->prepared().Reset();
  } catch (const std::exception&) {
    lease.Discard(CloseReason::kBroken);
  }
}

// Counts how a transaction ended.
void CountEnd(Metrics* metrics, const absl::Status& status) {
  if (metrics == nullptr) return;
  if (status.ok()) {
    metrics->TransactionCommitted();
  } else if (ReasonOf(status) == EntryOf(Reason::kCommitInDoubt).name) {
    metrics->TransactionInDoubt();
  } else {
    metrics->TransactionRolledBack();
  }
}

void CountRetry(Metrics* metrics, RetryCause cause) {
  if (metrics != nullptr) metrics->TransactionRetried(cause);
}

// Full jitter: anything from nothing to a bound that doubles.
absl::Duration RetryPause(absl::Duration first, int collisions) {
  thread_local absl::InsecureBitGen random;
  return first * (1 << std::min(collisions - 1, 10)) * absl::Uniform(random, 0.0, 1.0);
}

}  // namespace

TransactionRunner::TransactionRunner(ConnectionPool& pool, TransactionRunnerOptions options)
    : pool_(pool), options_(options) {}

absl::Status TransactionRunner::Run(const TransactionCall& call,
                                    absl::FunctionRef<absl::Status(Session&)> body,
                                    Receipt& receipt) {
  const int begun_before = receipt.attempts;
  absl::Status status = RunAttempts(call, body, receipt);
  // A call that got no connection had no transaction to end.
  if (receipt.attempts > begun_before) CountEnd(options_.metrics, status);
  return status;
}

absl::Status TransactionRunner::RunAttempts(const TransactionCall& call,
                                            absl::FunctionRef<absl::Status(Session&)> body,
                                            Receipt& receipt) {
  int dead = 0;
  int collisions = 0;
  int lost = 0;
  bool read_again = false;
  bool planned_again = false;
  PrimaryWait primary(pool_, call);
  while (true) {
    if (absl::Now() >= call.deadline) return DeadlinePassed("before the transaction began");
    absl::StatusOr<ConnectionPool::Lease> lease = [&] {
      Stopwatch watch(receipt.acquire);
      return pool_.Acquire(call.deadline, call.method);
    }();
    if (!lease.ok()) {
      const bool away = ReasonOf(lease.status()) == EntryOf(Reason::kDatabaseUnavailable).name;
      if (!away || !pool_.fails_over() || !primary.Again()) return lease.status();
      continue;
    }
    const Outcome outcome = Attempt(pool_, **lease, call, options_, receipt).Run(body);
    if (outcome.discard) lease->Discard(*outcome.discard);
    switch (outcome.kind) {
      case Outcome::Kind::kFinished:
        return outcome.status;
      case Outcome::Kind::kDead:
        lease->Discard(CloseReason::kBroken);
        if (++dead > kMostDeadConnections) return outcome.status;
        CountRetry(options_.metrics, RetryCause::kDeadConnection);
        break;
      case Outcome::Kind::kBroken:
        lease->Discard(CloseReason::kBroken);
        if (pool_.fails_over() && primary.Again()) {
          CountRetry(options_.metrics, RetryCause::kNoPrimary);
          break;
        }
        // A write is left to the caller, which knows whether it still wants it.
        if (!IsRead(call.mode) || read_again) return outcome.status;
        read_again = true;
        CountRetry(options_.metrics, RetryCause::kBrokenRead);
        break;
      case Outcome::Kind::kInDoubt: {
        lease->Discard(CloseReason::kBroken);
        Stopwatch watch(receipt.commit);
        const CommitOutcome became = Resolve(call, outcome.mark);
        if (became == CommitOutcome::kCommitted) return absl::OkStatus();
        if (became == CommitOutcome::kUnknown) {
          // Nothing that goes wrong from here on may be told as "not committed".
          const bool again = call.repeat == Repeat::kSafe && absl::Now() < call.deadline;
          return again && RunAttempts(call, body, receipt).ok() ? absl::OkStatus() : InDoubt();
        }
        if (++lost >= options_.max_attempts) return NothingWritten();
        CountRetry(options_.metrics, RetryCause::kLostCommit);
        break;
      }
      case Outcome::Kind::kNoPrimary:
        // The others are connected to the same.
        pool_.Outdate();
        if (!primary.Again()) return outcome.status;
        CountRetry(options_.metrics, RetryCause::kNoPrimary);
        break;
      case Outcome::Kind::kCutOff: {
        lease->Discard(CloseReason::kBroken);
        Stopwatch watch(receipt.commit);
        // Else it could still commit, after something newer.
        if (!EndBackend(call, outcome.backend)) return InDoubt();
        if (++lost >= options_.max_attempts) return InDoubt();
        CountRetry(options_.metrics, RetryCause::kLostCommit);
        break;
      }
      case Outcome::Kind::kStalePlans:
        if (planned_again) return outcome.status;
        planned_again = true;
        if (*lease) DropPlans(*lease);
        CountRetry(options_.metrics, RetryCause::kStalePlan);
        break;
      case Outcome::Kind::kCollision: {
        // The connection serves others meanwhile.
        lease->Return();
        if (++collisions >= options_.max_attempts) return outcome.status;
        const absl::Duration pause = RetryPause(options_.retry_pause, collisions);
        if (absl::Now() + pause >= call.deadline) return outcome.status;
        CountRetry(options_.metrics, RetryCause::kCollision);
        absl::SleepFor(pause);
        break;
      }
    }
  }
}

bool TransactionRunner::EndBackend(const TransactionCall& call, const BackendMark& backend) {
  const absl::Time began = absl::Now();
  const bool gone = AwaitBackendsEnd(
      backend, call.deadline,
      [&](absl::FunctionRef<absl::Status(Session&)> look) { return Look(call, look); });
  pool_.log().Write(LogLine(LogLevel::kWarning, "statement_cut_off")
                        .Add("method", call.method)
                        .Add("request_id", call.request_id)
                        .Add("backend_gone", gone)
                        .Add("after_ms", absl::ToInt64Milliseconds(absl::Now() - began)));
  return gone;
}

absl::Status TransactionRunner::Look(const TransactionCall& call,
                                     absl::FunctionRef<absl::Status(Session&)> look) {
  Receipt unused;
  return Run({.method = call.method, .request_id = call.request_id, .deadline = call.deadline},
             look, unused);
}

CommitOutcome TransactionRunner::Resolve(const TransactionCall& call, const TransactionMark& mark) {
  const absl::Time began = absl::Now();
  const CommitOutcome outcome = ResolveCommit(
      mark, call.deadline,
      [&](absl::FunctionRef<absl::Status(Session&)> look) { return Look(call, look); });
  pool_.log().Write(LogLine(LogLevel::kWarning, "commit_resolved")
                        .Add("method", call.method)
                        .Add("request_id", call.request_id)
                        .Add("outcome", NameOf(outcome))
                        .Add("after_ms", absl::ToInt64Milliseconds(absl::Now() - began)));
  return outcome;
}

}  // namespace aquifer
