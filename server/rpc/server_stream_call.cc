// One request, many pages: each page is a transaction of its own, read when the caller has taken
// the last one. So a slow caller holds no connection and memory stays at one page.
#include <memory>
#include <string>
#include <utility>

#include "server/rpc/call.h"
#include "server/rpc/rpc_runner.h"

namespace aquifer {
namespace {

// Deletes itself in OnDone. Either the job or a write is under way, never both.
class ServerStreamCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                               public Executor::Job {
 public:
  ServerStreamCall(RpcRunner& rpc, const Method& method, grpc::CallbackServerContext& context)
      : call_(rpc, method, context) {}

  void Start(const grpc::ByteBuffer& request) {
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
    if (position_.empty()) {
      StartWriteAndFinish(&buffer_, grpc::WriteOptions(), call_.Close(absl::OkStatus()));
    } else {
      StartWrite(&buffer_);
    }
  }

  void OnWriteDone(bool ok) override {
    // After the last page there is nothing more to do; a write that failed means the caller left,
    // which the next step finds out and answers.
    if (ok && position_.empty()) return;
    call_.Continue(*this);
  }

  void OnDone() override { delete this; }

 private:
  Call call_;
  const Message* request_ = nullptr;
  std::string position_;
  grpc::ByteBuffer buffer_;
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
