// The end of a warm-up, told to the harness, which reads the processes' times then.
#pragma once

#include <absl/time/clock.h>

#include <iostream>
#include <thread>

namespace aquifer::load {

// A thread that says so when it is over.
inline std::thread TellWhenWarm(absl::Duration warm_up) {
  return std::thread([warm_up] {
    absl::SleepFor(warm_up);
    std::cerr << "measuring" << std::endl;
  });
}

}  // namespace aquifer::load
