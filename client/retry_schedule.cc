#include "client/retry_schedule.h"

#include <absl/strings/numbers.h>

#include <algorithm>

#include "aquifer/error.h"

namespace aquifer::client {
namespace {

// Part of a delay that chance adds or takes, so that callers who failed together do not come back
// together.
constexpr double kSpreadOfAdvice = 0.25;
constexpr double kSpreadOfOwn = 0.5;

// As gRPC has it: what is no number, or less than none, means that the server wants no retry.
std::optional<absl::Duration> Parse(const std::string& pushback) {
  std::int64_t ms = 0;
  if (!absl::SimpleAtoi(pushback, &ms) || ms < 0) return std::nullopt;
  return absl::Milliseconds(ms);
}

}  // namespace

bool IsWorthRepeating(const absl::Status& status) {
  const ErrorDetails details = DetailsOf(status);
  if (details.retry_after) return true;
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return details.reason.empty() || details.reason == "COMMIT_IN_DOUBT";
    // Not the caller's own: that one makes no further call.
    case absl::StatusCode::kCancelled:
    // Of a try, while the call still has time.
    case absl::StatusCode::kDeadlineExceeded:
      return true;
    default:
      return false;
  }
}

std::optional<RetryPause> RetrySchedule::PauseAfter(const absl::Status& status,
                                                    const std::optional<std::string>& pushback,
                                                    absl::Time now) {
  if (++tries_ == options_.max_tries || !IsWorthRepeating(status)) return std::nullopt;
  std::optional<absl::Duration> advice = DetailsOf(status).retry_after;
  if (pushback) {
    advice = Parse(*pushback);
    if (!advice) return std::nullopt;
  }
  RetryPause pause{.advised = advice.has_value()};
  if (advice) {
    pause.length = *advice * (1 + absl::Uniform(random_, 0.0, kSpreadOfAdvice));
  } else {
    pause.length = longest_ * (1 - absl::Uniform(random_, 0.0, kSpreadOfOwn));
    longest_ = std::min(2 * longest_, options_.longest_delay);
  }
  if (now + pause.length >= deadline_) return std::nullopt;
  return pause;
}

}  // namespace aquifer::client
