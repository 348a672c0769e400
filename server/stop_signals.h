// SIGINT and SIGTERM as something to wait for.
#pragma once

#include <absl/time/time.h>

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

}  // namespace aquifer
