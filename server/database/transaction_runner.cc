#include "server/database/transaction_runner.h"

#include <absl/random/random.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>
#include <typeinfo>

#include "repositories/errors.h"
#include "server/database/sql_status.h"

namespace aquifer {
namespace {

// Connections found dead in a row before the call gives up: more than any pool keeps idle.
constexpr int kMostDeadConnections = 256;
// What a caller is told to wait after the link broke, and after too many collisions.
constexpr absl::Duration kBrokenDelay = absl::Milliseconds(200);
constexpr absl::Duration kConflictDelay = absl::Milliseconds(50);

enum class Phase { kBegin, kBody, kCommit };

// How one attempt ended, and what may follow.
struct Outcome {
  enum class Kind {
    kFinished,    // with `status`, whatever it is
    kDead,        // the connection was dead before anything was done
    kBroken,      // it broke while the body ran
    kCollision,   // with another transaction
    kStalePlans,  // prepared statements are gone or outdated
  };
  Kind kind = Kind::kFinished;
  absl::Status status;
  // The database is no longer one that takes writes.
  bool read_only_now = false;
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

// One run of the body on one connection.
class Attempt {
 public:
  Attempt(Connection& connection, const TransactionCall& call,
          const TransactionRunnerOptions& options, Receipt& receipt, Log& log)
      : connection_(connection),
        call_(call),
        options_(options),
        receipt_(receipt),
        log_(log),
        // No transaction of libpqxx: it would send BEGIN and the settings in two round trips.
        transaction_(connection.pqxx()),
        session_(transaction_, connection.prepared()) {}

  Outcome Run(absl::FunctionRef<absl::Status(Session&)> body) {
    Outcome outcome;
    try {
      outcome.status = Execute(body);
    } catch (const std::exception& exception) {
      outcome = Failed(exception);
    }
    if (phase_ != Phase::kBegin) receipt_.rows = session_.rows();
    RollBackIfOpen();
    return outcome;
  }

 private:
  absl::Status Execute(absl::FunctionRef<absl::Status(Session&)> body) {
    {
      Stopwatch watch(receipt_.sql);
      transaction_.exec(BeginText());
      phase_ = Phase::kBody;
      ++receipt_.attempts;
      if (absl::Status status = body(session_); !status.ok()) return status;
    }
    if (connection_.InFailedTransaction()) {
      return MakeError(Reason::kInternal, "a failed statement was passed over");
    }
    if (absl::Now() >= call_.deadline) return DeadlinePassed("before the commit");
    Stopwatch watch(receipt_.commit);
    phase_ = Phase::kCommit;
    transaction_.exec("COMMIT");
    return absl::OkStatus();
  }

  // BEGIN and the time every statement gets, in one round trip. It is what is left of the
  // deadline, so a statement never runs on for a caller that has gone.
  std::string BeginText() const {
    std::int64_t timeout_ms = 0;
    if (call_.deadline != absl::InfiniteFuture()) {
      const absl::Duration left =
          std::max(call_.deadline - absl::Now(), options_.min_statement_timeout);
      timeout_ms = std::clamp<std::int64_t>(absl::ToInt64Milliseconds(left), 1,
                                            std::numeric_limits<std::int32_t>::max());
    }
    return absl::StrCat(call_.mode == TransactionMode::kReadOnly
                            ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                            : "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                        "; SET LOCAL statement_timeout = ", timeout_ms);
  }

  Outcome Failed(const std::exception& exception) {
    const SqlError error = DescribeSqlError(exception);
    if (IsBroken(error) || !connection_.pqxx().is_open()) return Broken();
    // A write in a transaction that we opened for reading is our fault, not a failover.
    const bool read_only_now =
        error.sqlstate == "25006" && call_.mode == TransactionMode::kReadWrite;
    const absl::string_view statement =
        phase_ == Phase::kBody && session_.current() ? session_.current()->name : "";
    Outcome outcome;
    outcome.status = error.sqlstate == "25006" && !read_only_now
                         ? MakeError(Reason::kInternal, "a write in a read-only transaction")
                         : SqlStatus(error, statement);
    outcome.read_only_now = read_only_now;
    if (IsCollision(error)) {
      outcome.kind = Outcome::Kind::kCollision;
      SetRetryDelay(outcome.status, kConflictDelay);
    } else if (IsStalePlan(error)) {
      outcome.kind = Outcome::Kind::kStalePlans;
    }
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
      if (call_.mode == TransactionMode::kReadOnly) return outcome;
      outcome.status = SqlStatus({"40003", ""}, "");
      return outcome;
    }
    outcome.kind = phase_ == Phase::kBegin ? Outcome::Kind::kDead : Outcome::Kind::kBroken;
    outcome.status = MakeError(Reason::kDatabaseUnavailable,
                               "the connection to the database broke; nothing was written");
    SetRetryDelay(outcome.status, kBrokenDelay);
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
  int dead = 0;
  int collisions = 0;
  bool read_again = false;
  bool planned_again = false;
  while (true) {
    if (absl::Now() >= call.deadline) return DeadlinePassed("before the transaction began");
    absl::StatusOr<ConnectionPool::Lease> lease = [&] {
      Stopwatch watch(receipt.acquire);
      return pool_.Acquire(call.deadline, call.method);
    }();
    if (!lease.ok()) return lease.status();
    Outcome outcome = Attempt(**lease, call, options_, receipt, pool_.log()).Run(body);
    if (outcome.read_only_now) lease->Discard(CloseReason::kOutdated);
    switch (outcome.kind) {
      case Outcome::Kind::kFinished:
        return outcome.status;
      case Outcome::Kind::kDead:
        lease->Discard(CloseReason::kBroken);
        if (++dead > kMostDeadConnections) return outcome.status;
        break;
      case Outcome::Kind::kBroken:
        lease->Discard(CloseReason::kBroken);
        // A write is left to the caller, which knows whether it still wants it.
        if (call.mode != TransactionMode::kReadOnly || read_again) return outcome.status;
        read_again = true;
        break;
      case Outcome::Kind::kStalePlans:
        if (planned_again) return outcome.status;
        planned_again = true;
        DropPlans(*lease);
        break;
      case Outcome::Kind::kCollision: {
        // The connection serves others meanwhile.
        lease->Return();
        if (++collisions >= options_.max_attempts) return outcome.status;
        const absl::Duration pause = RetryPause(options_.retry_pause, collisions);
        if (absl::Now() + pause >= call.deadline) return outcome.status;
        absl::SleepFor(pause);
        break;
      }
    }
  }
}

}  // namespace aquifer
