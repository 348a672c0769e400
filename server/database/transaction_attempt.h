// One run of a transaction's body on one connection.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <exception>
#include <optional>
#include <pqxx/pqxx>
#include <string>

#include "repositories/session.h"
#include "server/database/canceller.h"
#include "server/database/commit_outcome.h"
#include "server/database/connection.h"
#include "server/database/connection_pool.h"
#include "server/database/link_watchdog.h"
#include "server/database/receipt.h"
#include "server/database/sql_status.h"
#include "server/database/transaction_call.h"
#include "server/telemetry/metrics.h"

namespace aquifer {

// How an attempt ended, and what may follow.
struct AttemptOutcome {
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
  // The status is of an error of the database's, not what the body answered.
  bool failed = false;
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

// DEADLINE_EXCEEDED: "the deadline passed <where>".
absl::Status DeadlinePassed(absl::string_view where);
// DATABASE_UNAVAILABLE, with advice: the connection broke and the transaction is known not to have
// committed.
absl::Status NothingWritten();

// All references must outlive the attempt.
class Attempt final : private StatementGate {
 public:
  Attempt(ConnectionPool& pool, Connection& connection, const TransactionCall& call,
          Metrics* metrics, Receipt& receipt);

  // To be called once. `body` is run, committed, or rolled back; no exception leaves it.
  AttemptOutcome Run(absl::FunctionRef<absl::Status(Session&)> body);

 private:
  enum class Phase { kBegin, kBody, kCommit };

  absl::Status Execute(absl::FunctionRef<absl::Status(Session&)> body);
  void Begin();
  std::string BeginText() const;
  void Commit();
  // Of what was committed without COMMIT.
  void ReadPosition();

  // The time limit that BEGIN set is each statement's; these bound their sum, and time them.
  void Enter(const Statement& statement) override;
  void Leave(const Statement& statement) override;

  absl::Status StillWanted(absl::string_view where) const;
  // Whoever waited for the call does so no more, be it that its time is up.
  bool Left() const { return cancellation_.cancelled(); }

  AttemptOutcome Failed(const std::exception& exception);
  AttemptOutcome Broken();
  // Whether the error means that the database takes no writes, which none of ours could cause.
  bool IsReadOnlyNow(const SqlError& error) const;
  void LogFailure(const std::exception& exception, const SqlError& error,
                  absl::string_view statement);
  // If this fails, the connection shows it: it is not idle, and so not lent again.
  void RollBackIfOpen();

  Connection& connection_;
  const TransactionCall& call_;
  Metrics* const metrics_;
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

}  // namespace aquifer
