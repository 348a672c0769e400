// One request, many pages: each page is a transaction of its own, read when the caller has taken
// the last one. So a slow caller holds no connection and memory stays at one page.
#include <atomic>
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

// Either the job or a write is under way, never both.
class ServerStreamCall final : public Executor::Job, private QueuedCall {
 public:
  ServerStreamCall(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue)
      : rpc_(rpc), port_(port), queue_(queue), writer_(&context_) {}

  void Listen() { port_.Ask(context_, buffer_, writer_, queue_, Arrival()); }

  void Run() override {
    PageAnswer page;
    const absl::Status status = call_->Execute([&](Session& session) {
      auto result = call_->method().handler.page(session, *request_, position_);
      if (!result.ok()) return result.status();
      page = *std::move(result);
      return absl::OkStatus();
    });
    if (!status.ok()) return Finish(status);
    position_ = std::move(page.next_position);
    buffer_ = Serialize(*page.response);
    SendPage();
  }

 private:
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

  // A page was taken.
  void OnStep(bool ok) override {
    if (!wait_->End()) return FinishTooSlow();
    if (!ok) return Finish(MakeError(Reason::kCancelled, "the caller left"));
    if (position_.empty()) return Finish(absl::OkStatus());
    call_->Continue(*this);
  }

  void OnCancelled() override {
    call_->Cancel();
    if (call_->Withdraw(*this)) Finish(call_->CheckStillWanted());
  }

  void Finish(const absl::Status& status) { writer_.Finish(call_->Close(status), End()); }

  // The last to touch the call, which may end with the write.
  void SendPage() {
    const auto wait = std::make_shared<StreamWait>();
    const absl::Duration patience = call_->stream_patience();
    wait_ = wait;
    writer_.Write(buffer_, Step());
    // A status would queue behind the page that nobody takes.
    wait->Arm(patience, [this] {
      context_.TryCancel();
      FinishTooSlow();
    });
  }

  // Both the cancelling and the write it ends come here, and the later one finishes: until both are
  // done the call has to live.
  void FinishTooSlow() {
    if (++too_slow_ == 2) Finish(call_->CallerTooSlow());
  }

  RpcRunner& rpc_;
  CallPort& port_;
  grpc::ServerCompletionQueue& queue_;
  CallPort::StreamWriter writer_;
  // The request, then each page.
  grpc::ByteBuffer buffer_;
  std::optional<Call> call_;
  const Message* request_ = nullptr;
  std::string position_;
  std::shared_ptr<StreamWait> wait_;
  std::atomic<int> too_slow_ = 0;
};

}  // namespace

void ListenForServerStream(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue) {
  // Lets go of itself.
  (new ServerStreamCall(rpc, port, queue))->Listen();
}

}  // namespace aquifer
