// Keeps the partitions of the ledger of requests: those of the next days made, the old ones
// dropped.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <optional>
#include <string>

#include "repositories/request_ledger.h"
#include "server/database/rounds.h"
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

  // One round, now: makes what is missing, drops what is old. A line in the log for each partition.
  absl::Status KeepOnce() { return rounds_.RunOnce(); }

  // Rounds at intervals, until Stop.
  void Start() { rounds_.Start(); }
  void Stop() { rounds_.Stop(); }

 private:
  using Step = absl::FunctionRef<std::optional<std::string>(RequestLedger&)>;

  absl::Status KeepPartitions();
  // Repeats `step`, each time in a transaction, until there is nothing to do.
  absl::Status Repeat(absl::string_view event, Step step);

  TransactionRunner& transactions_;
  const LedgerKeeperOptions options_;
  Log& log_;
  Rounds rounds_;
};

}  // namespace aquifer
