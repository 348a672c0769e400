// Runs a body inside a transaction: acquire, begin, body, commit, and a retry where it is safe.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include "repositories/session.h"
#include "server/database/connection_pool.h"
#include "server/database/receipt.h"
#include "server/database/transaction_call.h"
#include "server/telemetry/metrics.h"

namespace aquifer {

class Replicas;

struct TransactionRunnerOptions {
  // How often a body runs at most when transactions collide (40001, 40P01), or commits are lost.
  int max_attempts = 3;
  // The first pause between attempts; grows, with full jitter.
  absl::Duration retry_pause = absl::Milliseconds(5);
  // Where reads go whose callers allow it; null for none. Must outlive the runner.
  Replicas* replicas = nullptr;
  // Counts and times what runs; null for nobody.
  Metrics* metrics = nullptr;
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
  // A read that need not be strong goes to a replica that has what it asks for. Where there is
  // none, or whatever goes wrong there, it is the primary's.
  //
  // While no host of several is the primary, and whenever the database turns out to be read-only, a
  // call waits within its deadline for a primary and runs there; so does a body whose connection
  // broke. Half as many calls may wait as there are connections.
  absl::Status Run(const TransactionCall& call, absl::FunctionRef<absl::Status(Session&)> body,
                   Receipt& receipt);

 private:
  ConnectionPool& pool_;
  const TransactionRunnerOptions options_;
};

}  // namespace aquifer
