#include "server/stop_signals.h"

#include <absl/time/clock.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace aquifer {
namespace {

constexpr absl::Duration kSignalPoll = absl::Milliseconds(50);
// What a shell reports of a process that SIGINT ended.
constexpr int kEndedBySignal = 128 + SIGINT;

sigset_t BothSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t signals = BothSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool StopSignals::Await(absl::Duration timeout) {
  const sigset_t signals = BothSignals();
  const absl::Time deadline = absl::Now() + timeout;
  for (;;) {
    const timespec left = absl::ToTimespec(std::max(absl::ZeroDuration(), deadline - absl::Now()));
    if (sigtimedwait(&signals, nullptr, &left) > 0) return true;
    // Another signal may interrupt the wait; the deadline still stands.
    if (errno != EINTR) return false;
  }
}

void StopSignals::LetNextOneEndTheProcess() {
  const sigset_t signals = BothSignals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

EndAtSignal::EndAtSignal(StopSignals& signals)
    : thread_([this, &signals] {
        while (!done_) {
          if (signals.Await(kSignalPoll)) std::_Exit(kEndedBySignal);
        }
      }) {}

EndAtSignal::~EndAtSignal() {
  done_ = true;
  thread_.join();
}

}  // namespace aquifer
