// Work that comes round at intervals, on a thread of its own.
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

// Thread-safe. A round that fails is told in the log, unless the one before it failed of the same,
// and the next comes all the same.
class Rounds {
 public:
  // `failure` names the line in the log. Nothing runs before RunOnce or Start.
  Rounds(std::string failure, absl::Duration interval, std::function<absl::Status()> round,
         Log& log);
  // Stops.
  ~Rounds();
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  // A round, now.
  absl::Status RunOnce();

  // Rounds at intervals, until Stop.
  void Start();
  // Waits for the round that runs. Any number of times, by one thread.
  void Stop();
  // Whether Stop waits: a long round may look, and end.
  bool stopping() const;

 private:
  void Run();

  const std::string failure_;
  const absl::Duration interval_;
  const std::function<absl::Status()> round_;
  Log& log_;

  mutable absl::Mutex mutex_;
  // What the last round failed of; empty if it did not.
  std::string trouble_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace aquifer
