// What became of a write that was sent on a connection that then broke.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <chrono>
#include <string>

#include "repositories/session.h"

namespace aquifer {

enum class CommitOutcome { kCommitted, kNotCommitted, kUnknown };

// "committed", "not_committed", "unknown": the `outcome` in an error's metadata.
absl::string_view NameOf(CommitOutcome outcome);

// What to know of a transaction before its COMMIT is sent.
struct TransactionMark {
  // Its id, an xid8 as text; empty before BEGIN was answered.
  std::string xid;
  // Which run of the database it was made in. A crash may lose an id that was never written down,
  // and then the next run gives it away again: a later "committed" could be another transaction's.
  std::string run;
};

// Runs a body in a short read-only transaction, by its deadline.
using LookRunner = absl::FunctionRef<absl::Status(absl::FunctionRef<absl::Status(Session&)>)>;

// Asks until the database knows, or `deadline`. The transaction is in progress as long as its old
// backend has not gone; one that stays for long is ended, for then the link is dead on its side
// only.
CommitOutcome ResolveCommit(const TransactionMark& mark, absl::Time deadline, LookRunner run);

// Which backend a statement was sent to.
struct BackendMark {
  int pid = 0;
  // When its connection was open. A later one with the same number is younger.
  std::chrono::steady_clock::time_point opened_at;
};

// Waits until `backend` is gone, and sends it away if it stays for long; false if `deadline` came
// first. What it had not committed by then it never will.
bool AwaitBackendsEnd(const BackendMark& backend, absl::Time deadline, LookRunner run);

}  // namespace aquifer
