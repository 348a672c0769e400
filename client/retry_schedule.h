// When a call that failed is tried again.
#pragma once

#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <optional>
#include <string>

#include "aquifer/connect_options.h"

namespace aquifer::client {

// Whether the same call may get another answer. It must be safe to repeat: by its nature, its key
// or its request_id, as every call of this library is.
//
// Where the server tells its reason, it also advises a delay if nothing was done and trying again
// can help; without advice only what left the outcome open is worth a repeat. Where nobody told a
// reason, the connection broke or there was none.
bool IsWorthRepeating(const absl::Status& status);

// How long to wait before the next try.
struct RetryPause {
  absl::Duration length;
  // The server named its end; else a connection that comes back ends it, too.
  bool advised = false;
};

// The tries of one call; used by one thread.
class RetrySchedule {
 public:
  // No try begins after `deadline`.
  RetrySchedule(const RetryOptions& options, absl::Time deadline)
      : options_(options), deadline_(deadline), longest_(options.first_delay) {}

  // What comes before the next try; nothing if `status` is the call's result. `pushback` is the
  // server's trailer grpc-retry-pushback-ms as sent, which outranks the status.
  std::optional<RetryPause> PauseAfter(const absl::Status& status,
                                       const std::optional<std::string>& pushback, absl::Time now);

 private:
  const RetryOptions options_;
  const absl::Time deadline_;
  // The next pause of our own at most.
  absl::Duration longest_;
  int tries_ = 0;
  absl::InsecureBitGen random_;
};

}  // namespace aquifer::client
