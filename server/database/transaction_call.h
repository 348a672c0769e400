// What is asked of a transaction.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "server/database/canceller.h"
#include "server/database/consistency.h"

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
  // How new what it reads must be. A write is always the primary's.
  Consistency consistency = {};
  // Whether the receipt of a write is to tell where its commit lies.
  bool wants_position = false;
  // Bounds acquire, every statement and every retry.
  absl::Time deadline = absl::InfiniteFuture();
  // How long a statement waits for a lock that somebody else holds, until TRANSACTION_CONFLICT. A
  // mode without BEGIN leaves that to its statements.
  absl::Duration lock_timeout = absl::InfiniteDuration();
  // Whose caller may leave; null if nobody's. What is not committed by then is rolled back.
  Cancellation* cancellation = nullptr;
};

}  // namespace aquifer
