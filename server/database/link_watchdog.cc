#include "server/database/link_watchdog.h"

#include <absl/time/clock.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace aquifer {
namespace {

// Beyond this no clock can count; nobody waits for so long.
constexpr absl::Duration kLongest = absl::Hours(24 * 365);

}  // namespace

LinkWatchdog::Watch::Watch(LinkWatchdog& dog, int socket, absl::Duration left, Cancellation* at_end)
    : dog_(dog),
      socket_(socket),
      end_(std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(std::min(left, kLongest))),
      at_end_(at_end) {
  absl::MutexLock lock(&dog_.mutex_);
  place_ = dog_.watches_.size();
  dog_.watches_.push_back(this);
}

LinkWatchdog::Watch::~Watch() {
  absl::MutexLock lock(&dog_.mutex_);
  dog_.watches_[place_] = dog_.watches_.back();
  dog_.watches_[place_]->place_ = place_;
  dog_.watches_.pop_back();
}

LinkWatchdog::LinkWatchdog(const LinkWatchdogOptions& options)
    : options_(options), thread_([this] { Look(); }) {}

LinkWatchdog::~LinkWatchdog() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void LinkWatchdog::CutAll() {
  absl::MutexLock lock(&mutex_);
  for (Watch* watch : watches_) Cut(*watch);
}

std::int64_t LinkWatchdog::cut() const {
  absl::MutexLock lock(&mutex_);
  return cut_;
}

void LinkWatchdog::Look() {
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&stopping_), options_.interval)) EndOverdue();
}

void LinkWatchdog::EndOverdue() {
  const auto now = std::chrono::steady_clock::now();
  for (Watch* watch : watches_) {
    if (watch->cut_ || now < watch->end_) continue;
    if (Cancellation* at_end = std::exchange(watch->at_end_, nullptr)) at_end->Cancel();
    if (now < watch->end_ + absl::ToChronoNanoseconds(options_.grace)) continue;
    Cut(*watch);
  }
}

// The socket itself stays libpq's, which finds it ended. Under the lock, because only that keeps
// the watch, and with it the socket; shutting one never blocks.
void LinkWatchdog::Cut(Watch& watch) {
  if (std::exchange(watch.cut_, true)) return;
  shutdown(watch.socket_, SHUT_RDWR);
  ++cut_;
}

}  // namespace aquifer
