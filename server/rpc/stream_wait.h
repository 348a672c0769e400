// A stream waiting for its caller, for no longer than it has patience.
#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <grpcpp/alarm.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

namespace aquifer {

// One wait: for a message to come, or for one to be taken. It ends once, by End or by Expire.
//
// Shared, because whoever starts the read or the write arms the alarm after it: the operation may
// be done by then, and the call with it.
class StreamWait {
 public:
  StreamWait() : over_(std::make_shared<std::atomic<bool>>(false)) {}
  StreamWait(const StreamWait&) = delete;
  StreamWait& operator=(const StreamWait&) = delete;

  // Calls `expire` on a thread of gRPC's once `patience` has passed, unless End came before. After
  // that End answers false, and leaves it to `expire` to end the call, which so lives until then.
  void Arm(absl::Duration patience, std::function<void()> expire) {
    // The alarm holds no reference to this, which owns the alarm.
    alarm_.Set(absl::ToChronoTime(absl::Now() + patience),
               [over = over_, expire = std::move(expire)](bool rang) {
                 if (rang && !over->exchange(true)) expire();
               });
  }

  // The operation is done: whether that was in time.
  bool End() { return !over_->exchange(true); }

 private:
  const std::shared_ptr<std::atomic<bool>> over_;
  grpc::Alarm alarm_;
};

}  // namespace aquifer
