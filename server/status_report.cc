#include "server/status_report.h"

#include <absl/time/time.h>

#include <cstdint>
#include <string>

namespace aquifer {

namespace {

void Set(google::protobuf::Duration& duration, absl::Duration value) {
  duration.set_seconds(absl::IDivDuration(value, absl::Seconds(1), &value));
  duration.set_nanos(static_cast<std::int32_t>(absl::ToInt64Nanoseconds(value)));
}

void Set(google::protobuf::Timestamp& timestamp, absl::Time value) {
  const absl::Time second = absl::FromUnixSeconds(absl::ToUnixSeconds(value));
  timestamp.set_seconds(absl::ToUnixSeconds(value));
  timestamp.set_nanos(static_cast<std::int32_t>(absl::ToInt64Nanoseconds(value - second)));
}

v1::BreakerState ToStatus(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return v1::BREAKER_STATE_CLOSED;
    case BreakerState::kOpen:
      return v1::BREAKER_STATE_OPEN;
    case BreakerState::kHalfOpen:
      return v1::BREAKER_STATE_HALF_OPEN;
  }
  return v1::BREAKER_STATE_UNSPECIFIED;
}

}  // namespace

v1::BreakerStatus ToStatus(const BreakerFigures& figures) {
  v1::BreakerStatus status;
  status.set_state(ToStatus(figures.state));
  if (figures.since != absl::InfinitePast()) Set(*status.mutable_since(), figures.since);
  if (figures.state == BreakerState::kOpen) {
    Set(*status.mutable_next_attempt_in(), figures.next_attempt_in);
  }
  status.set_reason(figures.reason);
  status.set_message(figures.message);
  return status;
}

v1::PoolStatus ToStatus(const PoolFigures& figures) {
  v1::PoolStatus status;
  status.set_max_size(figures.max);
  status.set_min_size(figures.min);
  status.set_active(figures.active);
  status.set_idle(figures.idle);
  status.set_waiting(figures.waiting);
  status.set_opened(figures.opened);
  for (CloseReason reason : kCloseReasons) {
    (*status.mutable_closed())[std::string(NameOf(reason))] = figures.Closed(reason);
  }
  status.set_connect_failures(figures.connect_failures);
  status.set_acquire_timeouts(figures.acquire_timeouts);
  *status.mutable_breaker() = ToStatus(figures.breaker);
  return status;
}

google::protobuf::RepeatedPtrField<v1::HostStatus> ToStatus(const ReplicaFigures& figures) {
  google::protobuf::RepeatedPtrField<v1::HostStatus> hosts;
  for (const HostFigures& host : figures.hosts) {
    v1::HostStatus& status = *hosts.Add();
    status.set_role(std::string(NameOf(host.role)));
    if (host.position != 0) status.set_position(TextOf(host.position));
    if (host.lag != absl::InfiniteDuration()) Set(*status.mutable_lag(), host.lag);
    status.set_connections(host.connections);
  }
  return hosts;
}

v1::QueueStatus ToStatus(const ExecutorFigures& figures) {
  v1::QueueStatus status;
  status.set_threads(figures.threads);
  status.set_queued(figures.queued);
  status.set_capacity(figures.capacity);
  status.set_refused(figures.refused);
  return status;
}

v1::LedgerStatus ToStatus(const RepeatFigures& figures) {
  v1::LedgerStatus status;
  status.set_kept(figures.kept);
  status.set_replayed(figures.replayed);
  status.set_refused(figures.refused);
  return status;
}

v1::StatementStatus ToStatus(const StatementFigures& figures) {
  v1::StatementStatus status;
  status.set_name(figures.name);
  status.set_count(figures.count);
  Set(*status.mutable_total(), figures.total);
  Set(*status.mutable_mean(), figures.Mean());
  // Infinity is no Duration of the proto's.
  if (figures.p99_at_most != absl::InfiniteDuration()) {
    Set(*status.mutable_p99_at_most(), figures.p99_at_most);
  }
  Set(*status.mutable_p99_above(), figures.p99_above);
  return status;
}

}  // namespace aquifer
