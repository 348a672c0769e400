// The server's connections to its database.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "server/database/canceller.h"
#include "server/database/connection.h"
#include "server/database/connection_events.h"
#include "server/database/link_watchdog.h"
#include "server/database/pool_figures.h"
#include "server/database/resource_pool.h"
#include "server/options.h"
#include "server/telemetry/log.h"

namespace aquifer {

struct ConnectionPoolOptions {
  DatabaseOptions database;
  PoolOptions pool;
  // Shown by the database as application_name "aquifer/<instance>".
  std::string instance;
  // The TimeZone of every session.
  std::string time_zone = "Europe/Kyiv";
  // Which host's of several it is, where it serves for reads alone: the log says so.
  std::optional<int> replica = std::nullopt;
  // How often the pool looks after itself.
  absl::Duration maintenance_interval = absl::Seconds(1);
};

// Thread-safe. Leases must end before the pool does.
class ConnectionPool {
 public:
  using Lease = ResourcePool<Connection>::Lease;

  // Does not connect. `log` must outlive the pool.
  ConnectionPool(const ConnectionPoolOptions& options, Log& log);
  // Closes what is open; call Close first to wait for leases.
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // Opens up to pool_min, trying again until `deadline`; then why it could not.
  absl::Status Warm(absl::Time deadline);

  // A connection within acquire_timeout and `deadline`, whichever ends first. `label` says who
  // holds it, in messages; it must outlive the lease. Errors as ResourcePool::Acquire.
  absl::StatusOr<Lease> Acquire(absl::Time deadline, absl::string_view label);

  // Whether the database has several hosts, of which another may become the primary.
  bool fails_over() const { return fails_over_; }
  // Places for calls that wait until there is a primary, each with the thread it holds: half of the
  // connections, so that reads go on. False if none is free; LeaveWait gives one back.
  bool TryWait();
  void LeaveWait() { --waiting_for_primary_; }

  // Every connection open now serves at most its present lease: after a failover, or a migration.
  void Outdate() { connections_.Outdate(); }
  // The database was seen to answer, at this host of the URL's, by somebody with a link of their
  // own: ends the pause before the next attempt to connect, and fills the pool. If it answered at
  // another host before, the connections open now are given up: theirs may be silent for ever.
  // Costs next to nothing while all is well. Called by one thread.
  void DatabaseAnswers(std::size_t host);
  void Resize(int min, int max) { connections_.Resize(min, max); }

  // Refuses new acquires, waits for leases until `deadline`, closes all.
  absl::Status Close(absl::Time deadline);

  PoolFigures Figures() const { return connections_.Figures(); }
  EventCounts Events() const { return events_.Counts(); }
  // Who ends the statements on a lease, for a caller that left and for a database that hangs.
  Canceller& canceller() { return canceller_; }
  LinkWatchdog& watchdog() { return watchdog_; }
  // Where whoever uses the pool reports what went wrong on a connection.
  Log& log() { return log_; }

 private:
  absl::StatusOr<std::unique_ptr<Connection>> Open(absl::Time deadline);
  void Housekeep();
  void StopHousekeeping();

  const ConnectionSettings settings_;
  const bool fails_over_;
  const int max_waits_;
  const absl::Duration acquire_timeout_;
  const absl::Duration maintenance_interval_;
  Log& log_;
  ConnectionEvents events_;
  Canceller canceller_;
  LinkWatchdog watchdog_;
  ResourcePool<Connection> connections_;

  std::atomic<int> waiting_for_primary_ = 0;
  // Where the database was seen to answer last.
  std::optional<std::size_t> seen_at_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // The housekeeper is to look now.
  bool called_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread housekeeper_;
};

}  // namespace aquifer
