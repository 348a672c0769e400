// Time that never jumps: what ages and deadlines are measured with.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <functional>

namespace aquifer {

// The time since some fixed moment. Tests give their own.
using MonotonicClock = std::function<absl::Duration()>;

inline absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace aquifer
