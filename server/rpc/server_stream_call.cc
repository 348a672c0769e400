// One request, many pages: each page is a transaction of its own. While the caller takes one, the
// next is made a message, and the one after that is read. So a slow caller holds no connection, and
// memory stays at a few pages.
#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "repositories/errors.h"
#include "server/rpc/call.h"
#include "server/rpc/call_port.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/rpc_runner.h"
#include "server/rpc/stream_wait.h"

namespace aquifer {
namespace {

// Pages that were read and are not on their way to the caller yet.
constexpr std::size_t kPagesAhead = 2;

// A read, the making of a message and a write may be under way at once, each of them once at most;
// whichever ends last finishes the call.
class ServerStreamCall final : public Executor::Job, private QueuedCall {
 public:
  ServerStreamCall(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue)
      : rpc_(rpc), port_(port), queue_(queue), writer_(&context_) {}

  void Listen() { port_.Ask(context_, buffer_, writer_, queue_, Arrival()); }

  // Reads a page.
  void Run() override {
    PageAnswer page;
    const absl::Status status = call_->Execute([&](Session& session) {
      auto result = call_->method().handler.page(session, *request_, position_);
      if (!result.ok()) return result.status();
      page = *std::move(result);
      return absl::OkStatus();
    });
    GoOn([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      reading_ = false;
      if (!status.ok()) return StopWith(status);
      position_ = std::move(page.next_position);
      all_read_ = position_.empty();
      rows_ = std::move(page.fill);
    });
  }

 private:
  using Rows = std::function<void(Message&)>;

  // What is to be done next.
  struct Next {
    bool write = false;
    bool read = false;
    bool finish = false;
    std::optional<Rows> make;
  };

  void OnArrived() override {
    ListenForServerStream(rpc_, port_, queue_);
    call_.emplace(rpc_, port_.method(), context_);
    if (const absl::Status status = Start(); !status.ok()) Finish(status);
  }

  absl::Status Start() {
    if (absl::Status status = call_->OpenStream(); !status.ok()) return status;
    const auto message = call_->Read(buffer_);
    if (!message.ok()) return message.status();
    request_ = *message;
    return call_->Admit(*this);
  }

  // A page was taken, or never will be.
  void OnStep(bool ok) override {
    if (!wait_->End()) return WasTooSlow();
    Written(ok ? absl::OkStatus() : MakeError(Reason::kCancelled, "the caller left"));
  }

  void OnCancelled() override {
    call_->Cancel();
    if (!call_->Withdraw(*this)) return;
    // As a read that ended so: a page may still be on its way, or in the making.
    const absl::Status status = call_->CheckStillWanted();
    GoOn([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      reading_ = false;
      StopWith(status);
    });
  }

  void Written(const absl::Status& status) {
    GoOn([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      writing_ = false;
      if (!status.ok()) StopWith(status);
    });
  }

  // Notes what happened, and does what is next. The call may be gone then.
  template <typename Event>
  void GoOn(const Event& happened) {
    Next next;
    {
      absl::MutexLock lock(&mutex_);
      happened();
      next = TakeNext();
    }
    while (true) {
      if (next.finish) return Finish(Ended());
      if (next.write) SendPage();
      // Until these are done the call lives.
      if (next.read) call_->Continue(*this);
      if (!next.make) return;
      const absl::StatusOr<grpc::ByteBuffer> page = MessageOf(*next.make);
      absl::MutexLock lock(&mutex_);
      making_ = false;
      if (page.ok()) {
        ready_.push_back(*page);
      } else {
        StopWith(page.status());
      }
      next = TakeNext();
    }
  }

  // Made where the rest of the path does not see it, so what may go wrong is caught here.
  absl::StatusOr<grpc::ByteBuffer> MessageOf(const Rows& rows) const {
    google::protobuf::Arena arena;
    Message* message = call_->method().response.New(&arena);
    try {
      rows(*message);
    } catch (const std::exception&) {
      return MakeError(Reason::kInternal, "a page is not what its message can hold");
    }
    return Serialize(*message);
  }

  // The first reason is the call's.
  void StopWith(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!ended_) ended_ = status;
  }

  // Rows are left by a read and taken at once, or by who makes a message of those before: never by
  // the queue's thread, which only ends writes, and reads that nobody wants any more.
  Next TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Next next;
    if (!ended_) {
      if (!writing_ && !ready_.empty()) {
        buffer_ = ready_.front();
        ready_.pop_front();
        next.write = writing_ = true;
      }
      if (!making_ && rows_) {
        next.make = std::exchange(rows_, std::nullopt);
        making_ = true;
      }
      const std::size_t held = ready_.size() + (making_ ? 1 : 0) + (rows_ ? 1 : 0);
      if (!reading_ && !all_read_ && held < kPagesAhead) next.read = reading_ = true;
    }
    next.finish = !writing_ && !reading_ && !making_;
    return next;
  }

  absl::Status Ended() {
    absl::MutexLock lock(&mutex_);
    return ended_.value_or(absl::OkStatus());
  }

  void Finish(const absl::Status& status) { writer_.Finish(call_->Close(status), End()); }

  // If nothing is being read, the last to touch the call, which may end with the write.
  void SendPage() {
    const auto wait = std::make_shared<StreamWait>();
    const absl::Duration patience = call_->stream_patience();
    wait_ = wait;
    writer_.Write(buffer_, Step());
    // A status would queue behind the page that nobody takes.
    wait->Arm(patience, [this] {
      context_.TryCancel();
      WasTooSlow();
    });
  }

  // Both the cancelling and the write it ends come here, and the later one ends the write: until
  // both are done the call has to live.
  void WasTooSlow() {
    if (++too_slow_ == 2) Written(call_->CallerTooSlow());
  }

  RpcRunner& rpc_;
  CallPort& port_;
  grpc::ServerCompletionQueue& queue_;
  CallPort::StreamWriter writer_;
  // The request, then the page that is on its way.
  grpc::ByteBuffer buffer_;
  std::optional<Call> call_;
  const Message* request_ = nullptr;
  // Where the next page begins; the job's.
  std::string position_;
  std::shared_ptr<StreamWait> wait_;
  std::atomic<int> too_slow_ = 0;
  absl::Mutex mutex_;
  // The first page is asked for as the call begins.
  bool reading_ ABSL_GUARDED_BY(mutex_) = true;
  bool making_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool all_read_ ABSL_GUARDED_BY(mutex_) = false;
  // The page after the one that is being made, and those made, which wait for the one on its way.
  std::optional<Rows> rows_ ABSL_GUARDED_BY(mutex_);
  std::deque<grpc::ByteBuffer> ready_ ABSL_GUARDED_BY(mutex_);
  // Why no more is to be read or written.
  std::optional<absl::Status> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void ListenForServerStream(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue) {
  // Lets go of itself.
  (new ServerStreamCall(rpc, port, queue))->Listen();
}

}  // namespace aquifer
