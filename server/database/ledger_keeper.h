// Keeps the partitions of the ledger of requests: those of the next days made, the old ones
// dropped.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <optional>
#include <string>
#include <thread>

#include "repositories/request_ledger.h"
#include "server/database/transaction_runner.h"
#include "server/telemetry/log.h"

namespace aquifer {

struct LedgerKeeperOptions {
  // How long a first answer is kept at least; at most a day longer, because partitions are days.
  int keep_hours = 24;
  // Partitions made beside today's: as many days as nobody need be there to make them.
  int days_ahead = 3;
  absl::Duration interval = absl::Minutes(1);
};

// Thread-safe. Several instances keep one ledger: each change is one short transaction under an
// advisory lock, and waits 200 ms for tables at most, after which it is left to the next round. So
// it holds up no write for longer, and its failure stops nobody: the ledger has a partition for
// what has none.
class LedgerKeeper {
 public:
  // Both must outlive it. Nothing runs before Start.
  LedgerKeeper(TransactionRunner& transactions, const LedgerKeeperOptions& options, Log& log);
  // Stops.
  ~LedgerKeeper();
  LedgerKeeper(const LedgerKeeper&) = delete;
  LedgerKeeper& operator=(const LedgerKeeper&) = delete;

  // One round, now: makes what is missing, drops what is old. A line in the log for each partition,
  // and for a failure that is not the last round's.
  absl::Status KeepOnce();

  // Rounds at intervals, until Stop.
  void Start();
  // Waits for the round that runs. Any number of times, by one thread.
  void Stop();

 private:
  using Step = absl::FunctionRef<std::optional<std::string>(RequestLedger&)>;

  absl::Status KeepPartitions();
  // Repeats `step`, each time in a transaction, until there is nothing to do.
  absl::Status Repeat(absl::string_view event, Step step);
  void RunRounds();

  TransactionRunner& transactions_;
  const LedgerKeeperOptions options_;
  Log& log_;

  absl::Mutex mutex_;
  // What the last round failed of; empty if it did not.
  std::string trouble_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread rounds_;
};

}  // namespace aquifer
