// Many requests, one answer: each message is stored in a transaction of its own before the next is
// read. So a slow caller holds no connection and memory stays at one message.
#include <memory>
#include <optional>

#include "repositories/errors.h"
#include "server/rpc/call.h"
#include "server/rpc/call_port.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/rpc_runner.h"
#include "server/rpc/stream_wait.h"

namespace aquifer {
namespace {

// Either the job or a read is under way, never both.
class ClientStreamCall final : public Executor::Job, private QueuedCall {
 public:
  ClientStreamCall(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue)
      : rpc_(rpc), port_(port), queue_(queue), reader_(&context_) {}

  void Listen() { port_.Ask(context_, reader_, queue_, Arrival()); }

  void Run() override {
    std::unique_ptr<Message> answer;
    const absl::Status status = call_->Execute([&](Session& session) {
      Answer result = call_->method().handler.transact(session, *part_);
      if (!result.ok()) return result.status();
      answer = *std::move(result);
      return absl::OkStatus();
    });
    if (!status.ok()) return Finish(status);
    call_->method().handler.append(*answer, *whole_);
    AwaitMessage();
  }

 private:
  void OnArrived() override {
    ListenForClientStream(rpc_, port_, queue_);
    call_.emplace(rpc_, port_.method(), context_);
    whole_.reset(port_.method().response.New());
    if (const absl::Status status = call_->OpenStream(); !status.ok()) {
      Finish(status);
    } else {
      AwaitMessage();
    }
  }

  // A message came, or there is none any more.
  void OnStep(bool ok) override {
    if (!wait_->End()) return;
    if (!ok) return FinishWhole();
    call_->ResetArena();
    const auto message = call_->Read(buffer_);
    if (!message.ok()) return Finish(message.status());
    part_ = *message;
    if (admitted_) return call_->Continue(*this);
    // Set first: once admitted, the job may run and finish before Admit returns.
    admitted_ = true;
    if (const absl::Status status = call_->Admit(*this); !status.ok()) Finish(status);
  }

  void OnCancelled() override {
    call_->Cancel();
    if (call_->Withdraw(*this)) Finish(call_->CheckStillWanted());
  }

  void Finish(const absl::Status& status) { reader_.FinishWithError(call_->Close(status), End()); }

  // The last to touch the call, which may end with the read.
  void AwaitMessage() {
    const auto wait = std::make_shared<StreamWait>();
    const absl::Duration patience = call_->stream_patience();
    wait_ = wait;
    reader_.Read(&buffer_, Step());
    wait->Arm(patience, [this] { Finish(call_->CallerTooSlow()); });
  }

  // The stream ended: with the caller's last message, or with the caller.
  void FinishWhole() {
    if (call_->cancelled()) return Finish(MakeError(Reason::kCancelled, "the caller left"));
    reader_.Finish(Serialize(*whole_), call_->Close(absl::OkStatus()), End());
  }

  RpcRunner& rpc_;
  CallPort& port_;
  grpc::ServerCompletionQueue& queue_;
  CallPort::StreamReader reader_;
  grpc::ByteBuffer buffer_;
  std::optional<Call> call_;
  const Message* part_ = nullptr;
  bool admitted_ = false;
  std::shared_ptr<StreamWait> wait_;
  std::unique_ptr<Message> whole_;
};

}  // namespace

void ListenForClientStream(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue) {
  // Lets go of itself.
  (new ClientStreamCall(rpc, port, queue))->Listen();
}

}  // namespace aquifer
