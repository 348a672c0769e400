// Threads that call through one client until they are told to stop, and count how it went.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "aquifer/client.h"

namespace aquifer::testing {

// What the callers together did.
struct LoadFigures {
  std::int64_t lines = 0;
  std::int64_t tasks = 0;
  std::int64_t reads = 0;
  // Tries beyond the first of a call.
  std::int64_t repeats = 0;
  absl::Duration slowest;
  // Calls that failed for good, in words.
  std::vector<std::string> failures;

  std::int64_t calls() const { return lines + tasks + reads; }
};

// Each caller in turn records a line, reads it, and creates a task, whose request_id the library
// makes. `client` must outlive the load.
class Load {
 public:
  Load(const client::Client& client, int callers, absl::Duration timeout);
  ~Load() { Stop(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Waits until so many more calls have succeeded; false if that takes a minute.
  bool AwaitCalls(std::int64_t more);

  // Lets every caller end its call.
  void Stop();
  LoadFigures Figures() const;

 private:
  void Run(int caller);
  // Counts a call that began at `began`; whether it succeeded.
  bool Count(const absl::Status& status, std::int64_t LoadFigures::*kind, absl::Time began);

  const client::Client& client_;
  const absl::Duration timeout_;
  std::atomic<bool> stopping_ = false;
  mutable absl::Mutex mutex_;
  LoadFigures figures_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace aquifer::testing
