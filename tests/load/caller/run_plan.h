// What one run of the caller does.
#pragma once

#include <absl/time/time.h>

#include <string>

#include "tests/load/caller/history.h"

namespace aquifer::load {

struct RunPlan {
  // host:port, or unix:/path.
  std::string target;
  std::string workload = "reads";
  // Calls outstanding at once, on so many connections and threads in all.
  int callers = 1;
  int channels = 1;
  int threads = 1;
  // What is answered within the first counts only if it fails: connections and plans are new then.
  absl::Duration warm_up = absl::ZeroDuration();
  absl::Duration length = absl::Seconds(3);
  // Calls a second at random moments, or 0: each caller calls again once it is answered.
  double rate = 0;
  History history;
};

}  // namespace aquifer::load
