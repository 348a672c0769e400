// One request, one answer.
#include <memory>
#include <string>

#include "server/rpc/call.h"
#include "server/rpc/request_key.h"
#include "server/rpc/rpc_runner.h"

namespace aquifer {
namespace {

// Deletes itself in OnDone. The job is the last to touch it before Finish.
class UnaryCall final : public grpc::ServerUnaryReactor, public Executor::Job {
 public:
  UnaryCall(RpcRunner& rpc, const Method& method, grpc::CallbackServerContext& context,
            grpc::ByteBuffer& response)
      : call_(rpc, method, context), response_(response) {}

  void Start(const grpc::ByteBuffer& request) {
    const auto message = call_.Read(request);
    if (!message.ok()) return Finish(call_.Close(message.status()));
    request_ = *message;
    if (const absl::Status status = call_.Admit(*this); !status.ok()) Finish(call_.Close(status));
  }

  void Run() override { Finish(call_.Close(Answered())); }

  void OnCancel() override { call_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  // Sets the response, or says why there is none.
  absl::Status Answered() {
    const auto key = RequestKeyOf(call_.method(), *request_);
    if (key) return TransactOnce(*key);
    std::unique_ptr<Message> answer;
    absl::Status status = call_.method().handler.local ? RunLocal(answer) : Transact(answer);
    if (status.ok()) response_ = Serialize(*answer);
    return status;
  }

  absl::Status RunLocal(std::unique_ptr<Message>& answer) {
    if (absl::Status status = call_.CheckStillWanted(); !status.ok()) return status;
    Answer result = call_.method().handler.local(*request_);
    if (!result.ok()) return result.status();
    answer = *std::move(result);
    return absl::OkStatus();
  }

  absl::Status Transact(std::unique_ptr<Message>& answer) {
    return call_.Execute([&](Session& session) {
      Answer result = call_.method().handler.transact(session, *request_);
      if (!result.ok()) return result.status();
      answer = *std::move(result);
      return absl::OkStatus();
    });
  }

  absl::Status TransactOnce(const RequestKey& key) {
    const auto body = [&](Session& session) {
      return call_.method().handler.transact(session, *request_);
    };
    std::string answer;
    absl::Status status = call_.ExecuteOnce(key, body, answer);
    if (status.ok()) response_ = BufferOf(answer);
    return status;
  }

  Call call_;
  grpc::ByteBuffer& response_;
  const Message* request_ = nullptr;
};

}  // namespace

grpc::ServerUnaryReactor* RpcRunner::StartUnary(const Method& method,
                                                grpc::CallbackServerContext& context,
                                                const grpc::ByteBuffer& request,
                                                grpc::ByteBuffer& response) {
  // gRPC keeps the reactor until OnDone, where it deletes itself.
  auto* call = new UnaryCall(*this, method, context, response);
  call->Start(request);
  return call;
}

}  // namespace aquifer
