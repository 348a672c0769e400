// When the next attempt to open something may be made while attempts fail.
//
// Pauses double up to half a minute: nobody who is away is helped by being asked often, and
// somebody else looks out for the return and says so (RetryNow). A refusal, such as a wrong
// password, has its own, slower rule: each attempt is a line in somebody's log and may lock the
// account, and that the other side answers does not mean that it would not refuse again.
#pragma once

#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/strings/cord.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <algorithm>
#include <string>

#include "repositories/errors.h"

namespace aquifer {

struct OpenBackoffOptions {
  absl::Duration first_pause = absl::Milliseconds(100);
  absl::Duration first_pause_refused = absl::Seconds(1);
  absl::Duration longest_pause = absl::Seconds(30);
  // The longest that others are told to wait: the pause may end before its time, and they would
  // wait on. Where it cannot, they are told the truth.
  absl::Duration longest_advice = absl::Seconds(1);
};

// Not thread-safe.
class OpenBackoff {
 public:
  explicit OpenBackoff(const OpenBackoffOptions& options) : options_(options) {}

  // An attempt begun at `began` failed at `now`. Attempts that ran side by side count as one.
  template <typename Random>
  void Failed(absl::Time began, absl::Time now, const absl::Status& cause, Random& random) {
    if (!failing()) changed_at_ = now;
    if (!failing() || began >= failed_at_) {
      const bool refused = IsRefusal(cause);
      const absl::Duration first = refused ? options_.first_pause_refused : options_.first_pause;
      pause_ =
          failing() && refused == refused_ ? std::min(pause_ * 2, options_.longest_pause) : first;
      refused_ = refused;
      // Down to half, so that many instances do not come back in step.
      next_attempt_ = now + pause_ * absl::Uniform(random, 0.5, 1.0);
      failed_at_ = now;
    }
    cause_ = CopyOf(cause);
  }
  void Succeeded(absl::Time now) {
    if (failing()) changed_at_ = now;
    cause_ = absl::OkStatus();
  }
  // The other side was seen to answer: the next attempt may be made at once, unless the last one
  // was refused.
  void RetryNow() {
    if (!refused_) next_attempt_ = absl::InfinitePast();
  }

  bool failing() const { return !cause_.ok(); }
  // Why the last attempt failed.
  const absl::Status& cause() const { return cause_; }
  absl::Time next_attempt() const { return next_attempt_; }
  // When whoever needs the other side should ask again.
  absl::Duration AdviceAt(absl::Time now) const {
    const absl::Duration left = std::max(next_attempt_ - now, absl::ZeroDuration());
    return refused_ ? left : std::min(left, options_.longest_advice);
  }
  // Since when attempts fail, or succeed again; the infinite past if none ever failed.
  absl::Time changed_at() const { return changed_at_; }

 private:
  // Shares nothing with whoever failed, and may hold the last of its status while others read this.
  static absl::Status CopyOf(const absl::Status& cause) {
    absl::Status copy(cause.code(), cause.message());
    cause.ForEachPayload([&copy](absl::string_view type, const absl::Cord& payload) {
      copy.SetPayload(type, absl::Cord(std::string(payload)));
    });
    return copy;
  }

  // Whether the catalogue says that the same attempt fails again.
  static bool IsRefusal(const absl::Status& cause) {
    const std::string reason = ReasonOf(cause);
    for (const ErrorEntry& entry : ErrorCatalogue()) {
      if (entry.name == reason) return entry.retry == Retry::kNever;
    }
    return false;
  }

  OpenBackoffOptions options_;
  absl::Status cause_;
  bool refused_ = false;
  absl::Duration pause_;
  absl::Time failed_at_ = absl::InfinitePast();
  absl::Time next_attempt_ = absl::InfinitePast();
  absl::Time changed_at_ = absl::InfinitePast();
};

}  // namespace aquifer
