// Runs a body inside a transaction: acquire, begin, body, commit, and a retry where it is safe.
// The only place that catches pqxx exceptions, beside the migrator's connection.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "repositories/session.h"
#include "server/database/commit_outcome.h"
#include "server/database/connection_pool.h"
#include "server/database/receipt.h"
#include "server/telemetry/metrics.h"

namespace aquifer {

enum class TransactionMode {
  // REPEATABLE READ READ ONLY: one snapshot for the whole body.
  kReadOnly,
  // READ COMMITTED READ WRITE.
  kReadWrite,
  // No BEGIN and no COMMIT: each statement is a snapshot, or a commit, of its own.
  kReadImplicitly,
  // The body's statements must be safe to repeat: after the connection broke, it runs again as soon
  // as the old backend is gone.
  kWriteImplicitly,
};

constexpr bool IsRead(TransactionMode mode) {
  return mode == TransactionMode::kReadOnly || mode == TransactionMode::kReadImplicitly;
}
constexpr bool IsImplicit(TransactionMode mode) {
  return mode == TransactionMode::kReadImplicitly || mode == TransactionMode::kWriteImplicitly;
}

struct TransactionRunnerOptions {
  // How often a body runs at most when transactions collide (40001, 40P01), or commits are lost.
  int max_attempts = 3;
  // The first pause between attempts; grows, with full jitter.
  absl::Duration retry_pause = absl::Milliseconds(5);
  // The least time a statement is given, however near the deadline is.
  absl::Duration min_statement_timeout = absl::Milliseconds(1);
  // Counts and times what runs; null for nobody.
  Metrics* metrics = nullptr;
};

// Whether a body that ran before, to an unknown end, may run once more.
enum class Repeat {
  // It would write twice.
  kUnsafe,
  // It finds what it wrote, by its key or its request's id.
  kSafe,
};

struct TransactionCall {
  // Who runs it, for messages: the method's name.
  absl::string_view method;
  // The call's id, for the log; may be empty.
  absl::string_view request_id = "";
  TransactionMode mode = TransactionMode::kReadOnly;
  Repeat repeat = Repeat::kUnsafe;
  // Bounds acquire, every statement and every retry.
  absl::Time deadline = absl::InfiniteFuture();
  // Whose caller may leave; null if nobody's. What is not committed by then is rolled back.
  Cancellation* cancellation = nullptr;
};

// Thread-safe.
class TransactionRunner {
 public:
  // `pool` must outlive the runner.
  explicit TransactionRunner(ConnectionPool& pool, TransactionRunnerOptions options = {});

  // Runs `body` in a transaction and commits it if it answers OK; else rolls back and returns its
  // status. `body` may run more than once, so it keeps nothing outside what it overwrites.
  //
  // Beside the body's own: POOL_EXHAUSTED, DEADLINE_EXCEEDED, CANCELLED, DATABASE_UNAVAILABLE,
  // TRANSACTION_CONFLICT, COMMIT_IN_DOUBT, and what sql_status.h maps an SQL error to. After a
  // connection broke, the metadata's `outcome` tells whether anything was committed.
  //
  // A commit whose connection broke is looked into: if it happened, the answer is the body's own;
  // if it did not, the body runs again; COMMIT_IN_DOUBT only if that stays unknown until the
  // deadline, or where the database that knew is gone and the body must not be repeated.
  //
  // While no host of several is the primary, and whenever the database turns out to be read-only, a
  // call waits within its deadline for a primary and runs there; so does a body whose connection
  // broke. Half as many calls may wait as there are connections.
  absl::Status Run(const TransactionCall& call, absl::FunctionRef<absl::Status(Session&)> body,
                   Receipt& receipt);

 private:
  absl::Status RunAttempts(const TransactionCall& call,
                           absl::FunctionRef<absl::Status(Session&)> body, Receipt& receipt);
  // What became of the commit of a connection that broke.
  CommitOutcome Resolve(const TransactionCall& call, const TransactionMark& mark);
  // Whether the backend of a connection that broke is gone, or was sent away, before the deadline.
  bool EndBackend(const TransactionCall& call, const BackendMark& backend);
  // Asks the database about another connection's fate.
  absl::Status Look(const TransactionCall& call, absl::FunctionRef<absl::Status(Session&)> look);

  ConnectionPool& pool_;
  const TransactionRunnerOptions options_;
};

}  // namespace aquifer
