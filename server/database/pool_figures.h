// What a pool is doing and has done, readable at any time.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <string>

namespace aquifer {

// Why a pooled resource was closed.
enum class CloseReason {
  kIdle,
  kExpired,
  kBroken,
  kOutdated,
  kSurplus,
  // A cancel request was sent to its backend and may not have arrived yet.
  kCancelled,
  kShutdown,
};

inline constexpr CloseReason kCloseReasons[] = {
    CloseReason::kIdle,    CloseReason::kExpired,   CloseReason::kBroken,  CloseReason::kOutdated,
    CloseReason::kSurplus, CloseReason::kCancelled, CloseReason::kShutdown};

constexpr absl::string_view NameOf(CloseReason reason) {
  constexpr absl::string_view kNames[] = {"idle",    "expired",   "broken",  "outdated",
                                          "surplus", "cancelled", "shutdown"};
  return kNames[static_cast<int>(reason)];
}

// Whether callers are let through to open a resource.
enum class BreakerState {
  // Yes.
  kClosed,
  // Opening failed; the next attempt lies ahead.
  kOpen,
  // Opening failed, and one attempt is under way.
  kHalfOpen,
};

inline constexpr BreakerState kBreakerStates[] = {BreakerState::kClosed, BreakerState::kOpen,
                                                  BreakerState::kHalfOpen};

constexpr absl::string_view NameOf(BreakerState state) {
  constexpr absl::string_view kNames[] = {"closed", "open", "half_open"};
  return kNames[static_cast<int>(state)];
}

// The breaker over opening.
struct BreakerFigures {
  BreakerState state = BreakerState::kClosed;
  // Since when opening fails, or succeeds again; the infinite past if it never failed.
  absl::Time since = absl::InfinitePast();
  // While open: how soon the next attempt may be made.
  absl::Duration next_attempt_in;
  // Why the last attempt failed; empty while closed.
  std::string reason;
  std::string message;
};

// A snapshot. `closed` is indexed by CloseReason; see Closed.
struct PoolFigures {
  int max = 0;
  int min = 0;
  int active = 0;
  int idle = 0;
  int waiting = 0;
  std::int64_t opened = 0;
  std::array<std::int64_t, std::size(kCloseReasons)> closed = {};
  std::int64_t connect_failures = 0;
  std::int64_t acquire_timeouts = 0;
  // How long the oldest holder has held its resource; nothing if none is out.
  absl::Duration oldest_holder;
  // How often somebody held one for longer than the limit.
  std::int64_t long_holds = 0;
  BreakerFigures breaker;

  std::int64_t Closed(CloseReason reason) const { return closed[static_cast<int>(reason)]; }
};

// Somebody who has held a resource for longer than the limit.
struct LongHold {
  // Who, and what ran on it; empty for nothing, or after it let go.
  std::string label;
  std::string activity;
  absl::Duration age;
  bool over = false;
};

}  // namespace aquifer
