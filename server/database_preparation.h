// Before the first call: the schema as this server needs it, and the pool warm.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <functional>
#include <thread>

#include "server/telemetry/log.h"

namespace aquifer {

// Runs `prepare` until it succeeds. A database that is away at the start keeps nobody from
// starting: calls are answered UNAVAILABLE meanwhile and readiness says no. Any other failure is
// final.
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

 private:
  void KeepTrying();

  const std::function<absl::Status()> prepare_;
  Log& log_;
  mutable absl::Mutex mutex_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace aquifer
