// Looks at the database again and again, and keeps what it saw.
//
// Two threads: one looks, over a connection of its own; the other never touches the database, gives
// the process its pulse, and notices a look that hangs.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "server/health/database_probe.h"
#include "server/health/database_view.h"
#include "server/health/health_state.h"

namespace aquifer {

struct HealthMonitorOptions {
  // The database, its session as the pool's connections have it, by each host that may have it.
  std::vector<std::string> urls;
  std::string application_name = "aquifer health";
  // Between two looks while all is well, and while it is not: short enough that two good looks
  // after the database's return fit into a second.
  absl::Duration interval = absl::Seconds(1);
  absl::Duration interval_while_bad = absl::Milliseconds(250);
  // The longest between two while the database refuses the role or its password: each look is a
  // line in its log, and may lock the account. The first is a second, and they double.
  absl::Duration interval_while_refused = absl::Seconds(30);
  // The longest a look may take; a slower one is bad.
  absl::Duration look_timeout = absl::Seconds(2);
  absl::Duration pulse = absl::Milliseconds(250);
  // The schema versions this server works with.
  int schema_min = 0;
  int schema_max = 0;
  // Whether the pool holds the connections it keeps open. Asked until it is warm for the first
  // time: afterwards it fills as it is used.
  std::function<PoolWarmth()> pool_warmth = [] { return PoolWarmth::kWarm; };
  // Whether the executor finished something, or had nothing to do, since it was last asked. Calls
  // that wait for the database are not to count against it. Called by one thread; must not block.
  std::function<Progress()> executor_progress = [] { return Progress::kMade; };
  // Called after every look that the database answered, by the looking thread, with which of the
  // URLs it was; must not block.
  std::function<void(std::size_t host)> on_answer = [](std::size_t) {};
};

// Thread-safe.
class HealthMonitor {
 public:
  // `state` must outlive the monitor. Nothing runs before Start.
  HealthMonitor(HealthMonitorOptions options, HealthState& state);
  // Stops.
  ~HealthMonitor();
  HealthMonitor(const HealthMonitor&) = delete;
  HealthMonitor& operator=(const HealthMonitor&) = delete;

  // Once.
  void Start();
  // Interrupts a running look and waits for the threads. Any number of times, by one thread.
  void Stop();

  DatabaseView View() const;

 private:
  void RunLooks();
  void RunPulse();
  // Looks, publishes, and answers how long to pause.
  absl::Duration LookOnce();
  absl::Duration PauseAfter(const absl::Status& looked, Sign sign);

  const HealthMonitorOptions options_;
  HealthState& state_;
  DatabaseProbe probe_;
  // Used by the looking thread alone.
  PoolWarmth pool_ = PoolWarmth::kCold;
  absl::Duration refused_pause_;

  mutable absl::Mutex mutex_;
  DatabaseView view_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread looks_;
  std::thread pulse_;
};

}  // namespace aquifer
