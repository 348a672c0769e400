// SIGINT and SIGTERM as something to wait for.
#pragma once

#include <absl/time/time.h>

#include <atomic>
#include <thread>

namespace aquifer {

// Blocks both signals for this thread and every thread it starts, and ignores SIGPIPE, so that a
// connection that breaks never ends the process. Make it before any thread.
class StopSignals {
 public:
  StopSignals();

  // Waits until one of them arrives: true, or false once `timeout` has passed.
  bool Await(absl::Duration timeout);

  // From now on either signal ends the process at once, as it would by default.
  void LetNextOneEndTheProcess();
};

// While it lives, either signal ends the process at once: for a start that may wait for a database
// or another migrator, and in which nothing has been promised to a caller yet.
class EndAtSignal {
 public:
  explicit EndAtSignal(StopSignals& signals);
  ~EndAtSignal();
  EndAtSignal(const EndAtSignal&) = delete;
  EndAtSignal& operator=(const EndAtSignal&) = delete;

 private:
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace aquifer
