// Ends waits for a database that does not answer.
//
// Every statement has a time limit that the backend keeps. A backend that hangs, or a link that
// swallows everything, keeps none, and the thread that waits would wait with it. So a link whose
// time has been up for a grace is shut, which wakes that thread with a broken connection.
//
// For a statement without a time limit of its own the watch keeps it as well, by a cancel request.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "server/database/canceller.h"

namespace aquifer {

struct LinkWatchdogOptions {
  // How long the backend has to say that the statement ran out of time, before the link is shut.
  absl::Duration grace = absl::Milliseconds(500);
  // How often it looks.
  absl::Duration interval = absl::Milliseconds(100);
};

// Thread-safe. Must outlive what it watches.
class LinkWatchdog {
 public:
  // A link under watch until this ends.
  class Watch {
   public:
    // `socket` stays open for as long as this lives; `left` is the time the link has. When that is
    // up, `at_end` is cancelled, where there is one.
    Watch(LinkWatchdog& dog, int socket, absl::Duration left, Cancellation* at_end = nullptr);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    friend class LinkWatchdog;

    LinkWatchdog& dog_;
    const int socket_;
    // By a clock that nobody sets, for shutting a link cannot be undone.
    const std::chrono::steady_clock::time_point end_;
    // Null once it was cancelled.
    Cancellation* at_end_;
    bool cut_ = false;
    // Where it stands in watches_.
    std::size_t place_;
  };

  explicit LinkWatchdog(const LinkWatchdogOptions& options = {});
  ~LinkWatchdog();
  LinkWatchdog(const LinkWatchdog&) = delete;
  LinkWatchdog& operator=(const LinkWatchdog&) = delete;

  // Shuts every link under watch now.
  void CutAll();

  // How many links were shut.
  std::int64_t cut() const;

 private:
  void Look();
  void EndOverdue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Cut(Watch& watch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const LinkWatchdogOptions options_;
  mutable absl::Mutex mutex_;
  // As many as connections in use, so looking through all of them costs nothing.
  std::vector<Watch*> watches_ ABSL_GUARDED_BY(mutex_);
  std::int64_t cut_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace aquifer
