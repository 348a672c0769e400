// Keeps the rollup of collections: sums the days whose lines changed, but for today.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include "repositories/collection_rollup.h"
#include "server/database/rounds.h"
#include "server/database/transaction_runner.h"
#include "server/telemetry/log.h"

namespace aquifer {

struct RollupKeeperOptions {
  absl::Duration interval = absl::Minutes(1);
  // How long a mark stands before its day is summed anew.
  absl::Duration settled = absl::Minutes(5);
};

// Thread-safe. Several instances keep one rollup. It waits for nobody and nobody for it: what is
// still being written is left to the next round, and read from its lines until then.
class RollupKeeper {
 public:
  // Both must outlive it. Nothing runs before Start.
  RollupKeeper(TransactionRunner& transactions, const RollupKeeperOptions& options, Log& log);

  // One round, now. A line in the log if there was anything to sum.
  absl::Status KeepOnce() { return rounds_.RunOnce(); }

  // Rounds at intervals, until Stop.
  void Start() { rounds_.Start(); }
  void Stop() { rounds_.Stop(); }

 private:
  using Step = absl::FunctionRef<void(CollectionRollup&)>;

  absl::Status Keep();
  absl::Status InTransaction(Step step);

  TransactionRunner& transactions_;
  const RollupKeeperOptions options_;
  Log& log_;
  Rounds rounds_;
};

}  // namespace aquifer
