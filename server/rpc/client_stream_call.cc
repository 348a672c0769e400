// Many requests, one answer: each message is stored in a transaction of its own before the next is
// read. So a slow caller holds no connection and memory stays at one message.
#include <memory>

#include "repositories/errors.h"
#include "server/rpc/call.h"
#include "server/rpc/rpc_runner.h"
#include "server/rpc/stream_wait.h"

namespace aquifer {
namespace {

// Deletes itself in OnDone. Either the job or a read is under way, never both.
class ClientStreamCall final : public grpc::ServerReadReactor<grpc::ByteBuffer>,
                               public Executor::Job {
 public:
  ClientStreamCall(RpcRunner& rpc, const Method& method, grpc::CallbackServerContext& context,
                   grpc::ByteBuffer& response)
      : call_(rpc, method, context),
        context_(context),
        response_(response),
        whole_(method.response.New()) {
    if (const absl::Status status = call_.OpenStream(); !status.ok()) {
      Finish(call_.Close(status));
    } else {
      AwaitMessage();
    }
  }

  void OnReadDone(bool ok) override {
    if (!wait_->End()) return;
    if (!ok) return Finish(call_.Close(AnswerWhole()));
    call_.ResetArena();
    const auto message = call_.Read(buffer_);
    if (!message.ok()) return Finish(call_.Close(message.status()));
    part_ = *message;
    if (admitted_) return call_.Continue(*this);
    // Set first: once admitted, the job may run and finish before Admit returns.
    admitted_ = true;
    if (const absl::Status status = call_.Admit(*this); !status.ok()) Finish(call_.Close(status));
  }

  void Run() override {
    std::unique_ptr<Message> answer;
    const absl::Status status = call_.Execute([&](Session& session) {
      Answer result = call_.method().handler.transact(session, *part_);
      if (!result.ok()) return result.status();
      answer = *std::move(result);
      return absl::OkStatus();
    });
    if (!status.ok()) return Finish(call_.Close(status));
    call_.method().handler.append(*answer, *whole_);
    AwaitMessage();
  }

  void OnCancel() override { call_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  // The last to touch the call, which may end with the read.
  void AwaitMessage() {
    const auto wait = std::make_shared<StreamWait>();
    const absl::Duration patience = call_.stream_patience();
    wait_ = wait;
    StartRead(&buffer_);
    wait->Arm(patience, [this] { Finish(call_.Close(call_.CallerTooSlow())); });
  }

  // The stream ended: with the caller's last message, or with the caller.
  absl::Status AnswerWhole() {
    if (context_.IsCancelled()) return MakeError(Reason::kCancelled, "the caller left");
    response_ = Serialize(*whole_);
    return absl::OkStatus();
  }

  Call call_;
  grpc::CallbackServerContext& context_;
  grpc::ByteBuffer& response_;
  grpc::ByteBuffer buffer_;
  const Message* part_ = nullptr;
  bool admitted_ = false;
  std::shared_ptr<StreamWait> wait_;
  std::unique_ptr<Message> whole_;
};

}  // namespace

grpc::ServerReadReactor<grpc::ByteBuffer>* RpcRunner::StartClientStream(
    const Method& method, grpc::CallbackServerContext& context, grpc::ByteBuffer& response) {
  // gRPC keeps the reactor until OnDone, where it deletes itself.
  return new ClientStreamCall(*this, method, context, response);
}

}  // namespace aquifer
