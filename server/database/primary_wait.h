// Where a call waits for one of several hosts to become the primary.
#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include "server/database/connection_pool.h"
#include "server/database/transaction_call.h"

namespace aquifer {

// A call's wait for a primary, and its place among those that may wait.
class PrimaryWait {
 public:
  PrimaryWait(ConnectionPool& pool, const TransactionCall& call) : pool_(pool), call_(call) {}
  ~PrimaryWait() {
    if (waits_) pool_.LeaveWait();
  }
  PrimaryWait(const PrimaryWait&) = delete;
  PrimaryWait& operator=(const PrimaryWait&) = delete;

  // Pauses before another try; false if there is no place or no time for one.
  bool Again() {
    if (!waits_ && !pool_.TryWait()) return false;
    waits_ = true;
    const bool left = call_.cancellation != nullptr && call_.cancellation->cancelled();
    if (left || absl::Now() + kPause >= call_.deadline) return false;
    absl::SleepFor(kPause);
    return true;
  }

 private:
  // How often the call looks whether there is one.
  static constexpr absl::Duration kPause = absl::Milliseconds(50);

  ConnectionPool& pool_;
  const TransactionCall& call_;
  bool waits_ = false;
};

}  // namespace aquifer
