#include "server/database/connection_pool.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>

#include "server/database/database_hosts.h"

namespace aquifer {
namespace {

ResourcePoolOptions PoolOptionsOf(const PoolOptions& options) {
  ResourcePoolOptions result;
  result.min = options.min;
  result.max = options.max;
  result.idle_timeout = options.idle_timeout;
  result.max_life = options.max_life;
  result.max_waiters = options.max_waiters;
  result.holder_limit = options.holder_limit;
  return result;
}

}  // namespace

ConnectionPool::ConnectionPool(const ConnectionPoolOptions& options, Log& log)
    : settings_(SettingsFor(options.database, absl::StrCat("aquifer/", options.instance),
                            options.time_zone)),
      fails_over_(UrlsByHost(options.database.url).size() > 1),
      max_waits_(std::max(1, options.pool.max / 2)),
      acquire_timeout_(options.pool.acquire_timeout),
      maintenance_interval_(options.maintenance_interval),
      log_(log),
      events_(log, options.replica),
      connections_(PoolOptionsOf(options.pool),
                   [this](absl::Time deadline) { return Open(deadline); }),
      housekeeper_([this] { Housekeep(); }) {}

ConnectionPool::~ConnectionPool() { StopHousekeeping(); }

absl::Status ConnectionPool::Warm(absl::Time deadline) {
  absl::Status cause = MakeError(Reason::kDatabaseUnavailable, "no connection in time");
  while (true) {
    const absl::Status status = connections_.Maintain(deadline);
    const PoolFigures figures = connections_.Figures();
    if (status.ok() && figures.active + figures.idle >= figures.min) return absl::OkStatus();
    // A try that our own deadline cut short tells nothing of the database.
    if (!status.ok() && !absl::IsDeadlineExceeded(status)) cause = status;
    if (absl::Now() >= deadline) return cause;
    // The housekeeper goes on trying; this only waits its turn between looks.
    absl::MutexLock lock(&mutex_);
    const absl::Duration pause = std::min(deadline - absl::Now(), absl::Milliseconds(50));
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause)) {
      return MakeError(Reason::kShuttingDown, "the server is stopping");
    }
  }
}

absl::StatusOr<ConnectionPool::Lease> ConnectionPool::Acquire(absl::Time deadline,
                                                              absl::string_view label) {
  return connections_.Acquire(std::min(deadline, absl::Now() + acquire_timeout_), label);
}

absl::Status ConnectionPool::Close(absl::Time deadline) {
  StopHousekeeping();
  absl::Status status = connections_.Close(deadline);
  for (const LongHold& hold : connections_.TakeLongHolds()) events_.Held(hold);
  return status;
}

absl::StatusOr<std::unique_ptr<Connection>> ConnectionPool::Open(absl::Time deadline) {
  std::string detail;
  auto connection = Connection::Open(settings_, deadline, &detail);
  if (connection.ok()) {
    events_.Opened(absl::Now());
  } else if (!absl::IsDeadlineExceeded(connection.status())) {
    events_.OpenFailed(connection.status(), detail, absl::Now());
  }
  return connection;
}

bool ConnectionPool::TryWait() {
  if (++waiting_for_primary_ <= max_waits_) return true;
  --waiting_for_primary_;
  return false;
}

void ConnectionPool::DatabaseAnswers(std::size_t host) {
  if (seen_at_ && *seen_at_ != host) {
    *settings_.last_host = host;
    log_.Write(LogLine(LogLevel::kWarning, "database_moved")
                   .Add("from_host", static_cast<std::int64_t>(*seen_at_))
                   .Add("to_host", static_cast<std::int64_t>(host)));
    Outdate();
  }
  seen_at_ = host;
  if (connections_.Figures().breaker.state == BreakerState::kClosed) return;
  connections_.TryAgain();
  absl::MutexLock lock(&mutex_);
  called_ = true;
}

void ConnectionPool::Housekeep() {
  const auto wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || called_; };
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&wanted), maintenance_interval_);
      if (stopping_) return;
      called_ = false;
    }
    // A failure is in the log and in the figures already.
    (void)connections_.Maintain(absl::InfiniteFuture());
    events_.Observe(connections_.Figures());
    for (const LongHold& hold : connections_.TakeLongHolds()) events_.Held(hold);
  }
}

void ConnectionPool::StopHousekeeping() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (housekeeper_.joinable()) housekeeper_.join();
}

}  // namespace aquifer
