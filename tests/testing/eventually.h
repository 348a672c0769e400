// Waiting in a test for what another process or thread does, by a deadline.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

namespace aquifer::testing {

// Asks until `holds` answers true, and returns true; false at the deadline. For what offers nothing
// to wait on, such as another process.
inline bool Eventually(absl::FunctionRef<bool()> holds,
                       absl::Duration timeout = absl::Seconds(30)) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!holds()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

}  // namespace aquifer::testing
