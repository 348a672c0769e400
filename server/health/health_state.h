// What the service says about itself, from memory: a status for each name of the health protocol.
//
// Two flags stand behind all names. Readiness follows the database looks that the monitor reports,
// with hysteresis; "", "readiness" and each repository follow it. Liveness follows the process's
// own progress and never the database; "liveness" and the admin service follow it.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/health/hysteresis.h"
#include "server/health/monotonic_clock.h"
#include "server/telemetry/log.h"

namespace aquifer {

enum class ServingStatus { kServing, kNotServing };

struct HealthStateOptions {
  // The services that follow readiness and liveness, beside "", "readiness" and "liveness".
  std::vector<std::string> follow_readiness = {
      "aquifer.v1.CollectionRepository", "aquifer.v1.JobRepository",
      "aquifer.v1.MaintenanceRepository", "aquifer.v1.WorkerRepository",
      "aquifer.v1.TransactionService"};
  std::vector<std::string> follow_liveness = {"aquifer.v1.Admin"};
  // Looks in a row that turn readiness.
  int bad_to_fall = 2;
  int good_to_rise = 2;
  // How long the process may stand still before it counts as stuck. Longer than any call may take,
  // since a restart would only lose those calls.
  absl::Duration progress_limit = absl::Seconds(60);
  MonotonicClock clock = MonotonicNow;
};

// One look at the database.
struct HealthLook {
  Sign sign = Sign::kBad;
  // What was bad, in a sentence.
  std::string reason;
  // The next look is due within this time; one that is overdue counts as bad.
  absl::Duration next_within = absl::InfiniteDuration();
};

enum class Progress { kMade, kNone };

// The two flags and why readiness is as it is.
struct HealthSnapshot {
  bool ready = false;
  bool live = true;
  bool draining = false;
  // What the last bad look saw; empty after a good one.
  std::string reason;
};

// Told when a status changes.
class HealthWatcher {
 public:
  virtual ~HealthWatcher() = default;
  // Some status changed: look again. Called by whichever thread made the change, with no lock held,
  // perhaps by two at once, and perhaps once more after Unsubscribe. Must not block.
  virtual void OnHealthChanged() = 0;
};

// Thread-safe. Every method returns at once.
class HealthState {
 public:
  // `log` must outlive the state, and gets a line when a flag changes.
  HealthState(HealthStateOptions options, Log& log);
  HealthState(const HealthState&) = delete;
  HealthState& operator=(const HealthState&) = delete;

  // The status of a service; nullopt if there is none of this name.
  std::optional<ServingStatus> StatusOf(absl::string_view service) const;
  HealthSnapshot Snapshot() const;

  // The monitor looked at the database.
  void ReportLook(const HealthLook& look);
  // A pulse from a thread that never waits for the database, and whether the executor made progress
  // or had nothing to do since the last one. Also counts an overdue look as bad, so that readiness
  // falls even if the looking thread hangs.
  void Tick(Progress executor);
  // Everything but liveness is NOT_SERVING from now on.
  void SetDraining();

  // Shared, because a change may be on its way to a watcher that leaves at that moment.
  void Subscribe(std::shared_ptr<HealthWatcher> watcher);
  // No change made after this returns reaches `watcher`.
  void Unsubscribe(const HealthWatcher* watcher);

 private:
  enum class Follows { kReadiness, kLiveness, kProcess };
  // What changed and whom to tell, carried out of the lock.
  struct Announcement {
    HealthSnapshot before;
    HealthSnapshot after;
    std::vector<std::shared_ptr<HealthWatcher>> watchers;
  };

  bool LiveAt(absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Brings what is published up to date with what was observed.
  Announcement Settle(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Announce(const Announcement& announcement);

  Log& log_;
  const MonotonicClock clock_;
  const absl::Duration progress_limit_;
  absl::flat_hash_map<std::string, Follows> services_;

  mutable absl::Mutex mutex_;
  Hysteresis readiness_ ABSL_GUARDED_BY(mutex_);
  HealthSnapshot published_ ABSL_GUARDED_BY(mutex_);
  std::string reason_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  // When the next look is overdue.
  absl::Duration look_due_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  // Before the first pulse there is nothing to judge: the server is still starting.
  std::optional<absl::Duration> last_tick_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_progress_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<HealthWatcher>> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace aquifer
