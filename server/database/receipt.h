// What one call cost, phase by phase: for its log line, its metrics and its trailer.
#pragma once

#include <absl/time/time.h>

#include <cstdint>

#include "server/database/consistency.h"

namespace aquifer {

struct Receipt {
  // Waiting for a worker.
  absl::Duration queue;
  // Waiting for a connection.
  absl::Duration acquire;
  // In statements, BEGIN included.
  absl::Duration sql;
  // In COMMIT.
  absl::Duration commit;
  // Transactions begun; 0 if none was needed.
  int attempts = 0;
  // Rows read or changed by the last attempt.
  std::int64_t rows = 0;
  // Calls that were answered together, this one included; 0 if it went alone.
  int joined = 0;
  // Where the last commit lies in the database's log, where that was asked for; 0 if not known.
  WalPosition position = 0;
  // A replica gave the answer.
  bool from_replica = false;
  // The answer is the first one's, from the ledger of requests.
  bool replayed = false;
};

}  // namespace aquifer
