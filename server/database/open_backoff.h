// When the next attempt to open something may be made while attempts fail.
#pragma once

#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <algorithm>
#include <utility>

namespace aquifer {

struct OpenBackoffOptions {
  absl::Duration first_pause = absl::Milliseconds(100);
  absl::Duration longest_pause = absl::Seconds(1);
};

// Not thread-safe.
class OpenBackoff {
 public:
  explicit OpenBackoff(const OpenBackoffOptions& options) : options_(options) {}

  // An attempt begun at `began` failed at `now`. Attempts that ran side by side count as one.
  template <typename Random>
  void Failed(absl::Time began, absl::Time now, absl::Status cause, Random& random) {
    if (!failing() || began >= failed_at_) {
      pause_ = failing() ? std::min(pause_ * 2, options_.longest_pause) : options_.first_pause;
      // Down to half, so that many instances do not come back in step.
      next_attempt_ = now + pause_ * absl::Uniform(random, 0.5, 1.0);
      failed_at_ = now;
    }
    cause_ = std::move(cause);
  }
  void Succeeded() { cause_ = absl::OkStatus(); }

  bool failing() const { return !cause_.ok(); }
  // Why the last attempt failed.
  const absl::Status& cause() const { return cause_; }
  absl::Time next_attempt() const { return next_attempt_; }

 private:
  OpenBackoffOptions options_;
  absl::Status cause_;
  absl::Duration pause_;
  absl::Time failed_at_ = absl::InfinitePast();
  absl::Time next_attempt_ = absl::InfinitePast();
};

}  // namespace aquifer
