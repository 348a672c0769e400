#include "server/rpc/unary_call.h"

#include <memory>
#include <optional>
#include <string>

#include "server/rpc/call.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/request_key.h"
#include "server/rpc/rpc_runner.h"

namespace aquifer {
namespace {

// Waits for a call, is it, and deletes itself when gRPC has told of both its ends: that the answer
// went out, and that the call is over. The job is the last to touch it before Finish.
class UnaryCall final : public Executor::Job {
 public:
  UnaryCall(RpcRunner& rpc, UnaryPort& port, grpc::ServerCompletionQueue& queue)
      : rpc_(rpc), port_(port), queue_(queue), responder_(&context_) {}

  void Listen() {
    context_.AsyncNotifyWhenDone(&over_);
    port_.Request(context_, bytes_, responder_, queue_, &arrived_);
  }

  void Run() override { Finish(Answered()); }

 private:
  // Hands what gRPC tells on to a member of the call.
  template <void (UnaryCall::*kMember)(bool)>
  struct To final : CallQueue::Event {
    explicit To(UnaryCall& of) : call(of) {}
    void Happened(bool ok) override { (call.*kMember)(ok); }
    UnaryCall& call;
  };

  // A call came, unless the server shut down meanwhile.
  void Arrived(bool ok) {
    if (!ok) {
      delete this;
      return;
    }
    ListenForUnary(rpc_, port_, queue_);
    call_.emplace(rpc_, port_.method(), context_);
    Start();
  }

  void Start() {
    const auto message = call_->Read(bytes_);
    bytes_.Clear();
    if (!message.ok()) return Finish(message.status());
    request_ = *message;
    if (const absl::Status status = call_->Admit(*this); !status.ok()) Finish(status);
  }

  void Finish(const absl::Status& status) {
    const grpc::Status answer = call_->Close(status);
    if (answer.ok()) {
      responder_.Finish(response_, answer, &finished_);
    } else {
      responder_.FinishWithError(answer, &finished_);
    }
  }

  // Both ends are told of by the queue's one thread.
  void Over(bool) {
    if (context_.IsCancelled()) call_->Cancel();
    EndOneOfTwo();
  }
  void Finished(bool) { EndOneOfTwo(); }
  void EndOneOfTwo() {
    if (--ends_to_come_ == 0) delete this;
  }

  // Sets the response, or says why there is none.
  absl::Status Answered() {
    const auto key = RequestKeyOf(call_->method(), *request_);
    if (key) return TransactOnce(*key);
    std::unique_ptr<Message> answer;
    absl::Status status = call_->method().handler.local ? RunLocal(answer) : Transact(answer);
    if (status.ok()) response_ = Serialize(*answer);
    return status;
  }

  absl::Status RunLocal(std::unique_ptr<Message>& answer) {
    if (absl::Status status = call_->CheckStillWanted(); !status.ok()) return status;
    Answer result = call_->method().handler.local(*request_);
    if (!result.ok()) return result.status();
    answer = *std::move(result);
    return absl::OkStatus();
  }

  absl::Status Transact(std::unique_ptr<Message>& answer) {
    return call_->Execute([&](Session& session) {
      Answer result = call_->method().handler.transact(session, *request_);
      if (!result.ok()) return result.status();
      answer = *std::move(result);
      return absl::OkStatus();
    });
  }

  absl::Status TransactOnce(const RequestKey& key) {
    const auto body = [&](Session& session) {
      return call_->method().handler.transact(session, *request_);
    };
    std::string answer;
    absl::Status status = call_->ExecuteOnce(key, body, answer);
    if (status.ok()) response_ = BufferOf(answer);
    return status;
  }

  RpcRunner& rpc_;
  UnaryPort& port_;
  grpc::ServerCompletionQueue& queue_;
  To<&UnaryCall::Arrived> arrived_{*this};
  To<&UnaryCall::Over> over_{*this};
  To<&UnaryCall::Finished> finished_{*this};
  int ends_to_come_ = 2;
  // Before the call, which looks at it to its very end.
  grpc::ServerContext context_;
  grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> responder_;
  grpc::ByteBuffer bytes_;
  grpc::ByteBuffer response_;
  std::optional<Call> call_;
  const Message* request_ = nullptr;
};

}  // namespace

void ListenForUnary(RpcRunner& rpc, UnaryPort& port, grpc::ServerCompletionQueue& queue) {
  // Owned by what it asked gRPC to tell it.
  (new UnaryCall(rpc, port, queue))->Listen();
}

}  // namespace aquifer
