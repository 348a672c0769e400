// Before the first call: the schema as this server needs it, and the pool warm.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <functional>
#include <string>
#include <thread>

#include "server/telemetry/log.h"

namespace aquifer {

// Runs `prepare` until it succeeds. A database that is away at the start, or refuses us, keeps
// nobody from starting: calls are answered UNAVAILABLE meanwhile and readiness says no. Any other
// failure of the first try is final. Of a later one it is not: the server is up and watched, so it
// tries on, at long intervals because such a failure may leave a record each time.
class DatabasePreparation {
 public:
  // `prepare` brings the database into shape; it may run often. `log` must outlive this.
  DatabasePreparation(std::function<absl::Status()> prepare, Log& log);
  ~DatabasePreparation();
  DatabasePreparation(const DatabasePreparation&) = delete;
  DatabasePreparation& operator=(const DatabasePreparation&) = delete;

  // Tries once, now. OK also if the database is away: then a thread goes on trying.
  absl::Status Begin();

  bool done() const;
  // Why the last try failed; empty before the first one and once done.
  std::string problem() const;

 private:
  // Takes note of a failure; a new reason gets a line in the log, the same one again does not.
  void NoteProblem(const absl::Status& status);
  void KeepTrying(absl::Duration pause);

  const std::function<absl::Status()> prepare_;
  Log& log_;
  mutable absl::Mutex mutex_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  std::string problem_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace aquifer
