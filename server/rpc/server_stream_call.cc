// One request, many pages: each page is a transaction of its own, read when the caller has taken
// the last one. So a slow caller holds no connection and memory stays at one page.
#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "repositories/errors.h"
#include "server/rpc/call.h"
#include "server/rpc/rpc_runner.h"
#include "server/rpc/stream_wait.h"

namespace aquifer {
namespace {

// Deletes itself in OnDone. Either the job or a write is under way, never both.
class ServerStreamCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                               public Executor::Job {
 public:
  ServerStreamCall(RpcRunner& rpc, const Method& method, grpc::CallbackServerContext& context)
      : call_(rpc, method, context), context_(context) {}

  void Start(const grpc::ByteBuffer& request) {
    if (const absl::Status status = call_.OpenStream(); !status.ok()) {
      return Finish(call_.Close(status));
    }
    const auto message = call_.Read(request);
    if (!message.ok()) return Finish(call_.Close(message.status()));
    request_ = *message;
    if (const absl::Status status = call_.Admit(*this); !status.ok()) Finish(call_.Close(status));
  }

  void Run() override {
    PageAnswer page;
    const absl::Status status = call_.Execute([&](Session& session) {
      auto result = call_.method().handler.page(session, *request_, position_);
      if (!result.ok()) return result.status();
      page = *std::move(result);
      return absl::OkStatus();
    });
    if (!status.ok()) return Finish(call_.Close(status));
    position_ = std::move(page.next_position);
    buffer_ = Serialize(*page.response);
    SendPage();
  }

  void OnWriteDone(bool ok) override {
    if (!wait_->End()) return FinishTooSlow();
    if (!ok) return Finish(call_.Close(MakeError(Reason::kCancelled, "the caller left")));
    if (position_.empty()) return Finish(call_.Close(absl::OkStatus()));
    call_.Continue(*this);
  }

  void OnCancel() override { call_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  // The last to touch the call, which may end with the write.
  void SendPage() {
    const auto wait = std::make_shared<StreamWait>();
    const absl::Duration patience = call_.stream_patience();
    wait_ = wait;
    StartWrite(&buffer_);
    // A status would queue behind the page that nobody takes.
    wait->Arm(patience, [this] {
      context_.TryCancel();
      FinishTooSlow();
    });
  }

  // Both the cancelling and the write it ends come here, and the later one finishes: until both are
  // done the call has to live.
  void FinishTooSlow() {
    if (++too_slow_ == 2) Finish(call_.Close(call_.CallerTooSlow()));
  }

  Call call_;
  grpc::CallbackServerContext& context_;
  const Message* request_ = nullptr;
  std::string position_;
  grpc::ByteBuffer buffer_;
  std::shared_ptr<StreamWait> wait_;
  std::atomic<int> too_slow_ = 0;
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* RpcRunner::StartServerStream(
    const Method& method, grpc::CallbackServerContext& context, const grpc::ByteBuffer& request) {
  // gRPC keeps the reactor until OnDone, where it deletes itself.
  auto* call = new ServerStreamCall(*this, method, context);
  call->Start(request);
  return call;
}

}  // namespace aquifer
