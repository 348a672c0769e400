// The pool's history in the log and in figures: connected, lost, reconnected, saturated. Each once,
// not per call.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>

#include "server/database/pool_figures.h"
#include "server/telemetry/log.h"

namespace aquifer {

enum class ConnectionEvent { kConnected, kLost, kReconnected, kReconnectFailed, kSaturated };

inline constexpr ConnectionEvent kConnectionEvents[] = {
    ConnectionEvent::kConnected, ConnectionEvent::kLost, ConnectionEvent::kReconnected,
    ConnectionEvent::kReconnectFailed, ConnectionEvent::kSaturated};

constexpr absl::string_view NameOf(ConnectionEvent event) {
  constexpr absl::string_view kNames[] = {"connected", "lost", "reconnected", "reconnect_failed",
                                          "saturated"};
  return kNames[static_cast<int>(event)];
}

// How often each happened, indexed by ConnectionEvent.
using EventCounts = std::array<std::int64_t, std::size(kConnectionEvents)>;

// Thread-safe.
class ConnectionEvents {
 public:
  // `log` must outlive it. `replica`: which host's connections they are, as ConnectionPoolOptions
  // has it.
  explicit ConnectionEvents(Log& log, std::optional<int> replica = std::nullopt)
      : log_(log), replica_(replica) {}

  void Opened(absl::Time now);
  // `detail` is libpq's own words. While attempts go on failing, the lines grow rarer, from one a
  // second to one in 30.
  void OpenFailed(const absl::Status& status, absl::string_view detail, absl::Time now);
  // Saturated from 80 % in use, relieved below 60 %, so that the edge does not flicker.
  void Observe(const PoolFigures& figures);
  // A call that holds its connection for long, or held it and let go.
  void Held(const LongHold& hold);

  EventCounts Counts() const;

 private:
  void Count(ConnectionEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++counts_[static_cast<int>(event)];
  }

  enum class State { kNew, kConnected, kLost };

  void Write(LogLine line);

  Log& log_;
  const std::optional<int> replica_;
  mutable absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kNew;
  absl::Time lost_at_ ABSL_GUARDED_BY(mutex_);
  absl::Duration pause_ ABSL_GUARDED_BY(mutex_);
  absl::Time next_line_ ABSL_GUARDED_BY(mutex_);
  bool saturated_ ABSL_GUARDED_BY(mutex_) = false;
  EventCounts counts_ ABSL_GUARDED_BY(mutex_) = {};
};

}  // namespace aquifer
