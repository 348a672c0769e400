#include "server/database/connection_events.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <utility>

#include "repositories/errors.h"

namespace aquifer {
namespace {

constexpr absl::Duration kFirstPause = absl::Seconds(1);
constexpr absl::Duration kLongestPause = absl::Seconds(30);

}  // namespace

void ConnectionEvents::Write(LogLine line) {
  if (replica_) line.Add("replica", *replica_);
  log_.Write(line);
}

void ConnectionEvents::Opened(absl::Time now) {
  State before;
  absl::Time lost_at;
  {
    absl::MutexLock lock(&mutex_);
    before = state_;
    lost_at = lost_at_;
    state_ = State::kConnected;
    if (before == State::kNew) Count(ConnectionEvent::kConnected);
    if (before == State::kLost) Count(ConnectionEvent::kReconnected);
  }
  if (before == State::kNew) Write(LogLine(LogLevel::kInfo, "database_connected"));
  if (before == State::kLost) {
    Write(LogLine(LogLevel::kInfo, "database_reconnected")
              .Add("after_seconds", absl::ToDoubleSeconds(now - lost_at)));
  }
}

void ConnectionEvents::OpenFailed(const absl::Status& status, absl::string_view detail,
                                  absl::Time now) {
  bool first;
  {
    absl::MutexLock lock(&mutex_);
    first = state_ != State::kLost;
    Count(first ? ConnectionEvent::kLost : ConnectionEvent::kReconnectFailed);
    if (!first && now < next_line_) return;
    if (first) lost_at_ = now;
    state_ = State::kLost;
    pause_ = first ? kFirstPause : std::min(pause_ * 2, kLongestPause);
    next_line_ = now + pause_;
  }
  Write(LogLine(LogLevel::kError, first ? "database_lost" : "database_reconnect_failed")
            .Add("reason", ReasonOf(status))
            .Add("message", status.message())
            .Add("detail", absl::StripAsciiWhitespace(detail)));
}

void ConnectionEvents::Observe(const PoolFigures& figures) {
  bool saturated;
  {
    absl::MutexLock lock(&mutex_);
    saturated = figures.active * 10 >= figures.max * (saturated_ ? 6 : 8);
    if (saturated == saturated_) return;
    saturated_ = saturated;
    if (saturated) Count(ConnectionEvent::kSaturated);
  }
  Write(LogLine(saturated ? LogLevel::kWarning : LogLevel::kInfo,
                saturated ? "pool_saturated" : "pool_relieved")
            .Add("active", figures.active)
            .Add("max", figures.max)
            .Add("waiting", figures.waiting));
}

EventCounts ConnectionEvents::Counts() const {
  absl::MutexLock lock(&mutex_);
  return counts_;
}

void ConnectionEvents::Held(const LongHold& hold) {
  LogLine line(hold.over ? LogLevel::kInfo : LogLevel::kWarning,
               hold.over ? "connection_let_go" : "connection_held");
  line.Add("method", hold.label).Add("after_ms", absl::ToInt64Milliseconds(hold.age));
  if (!hold.activity.empty()) line.Add("statement", hold.activity);
  Write(std::move(line));
}

}  // namespace aquifer
