// One request, one answer.
#include <optional>
#include <string>

#include "server/rpc/call.h"
#include "server/rpc/call_port.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/joined_calls.h"
#include "server/rpc/request_key.h"
#include "server/rpc/rpc_runner.h"

namespace aquifer {
namespace {

// The job, or the set it is answered with, is the last to touch it before Finish.
class UnaryCall final : public Executor::Job, private JoinableCall, private QueuedCall {
 public:
  UnaryCall(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue)
      : rpc_(rpc), port_(port), queue_(queue), responder_(&context_) {}

  void Listen() { port_.Ask(context_, bytes_, responder_, queue_, Arrival()); }

  void Run() override { Finish(Answered()); }

 private:
  void OnArrived() override {
    ListenForUnary(rpc_, port_, queue_);
    call_.emplace(rpc_, port_.method(), context_);
    Start();
  }

  void OnCancelled() override {
    call_->Cancel();
    Joiner* joiner = Joining();
    const bool waited = joiner ? call_->Withdraw(*joiner, *this) : call_->Withdraw(*this);
    if (waited) Finish(call_->CheckStillWanted());
  }

  // Where it waits for others; null if it does not.
  Joiner* Joining() { return call_->may_join() ? port_.joiner() : nullptr; }

  void Start() {
    const auto message = call_->Read(bytes_);
    if (!message.ok()) return Finish(message.status());
    request_ = *message;
    Joiner* joiner = Joining();
    const absl::Status status = joiner ? call_->Admit(*joiner, *this) : call_->Admit(*this);
    if (!status.ok()) Finish(status);
  }

  // As one that may be joined.
  Lane lane() const override { return call_->lane(); }
  const Claim& claim() const override { return call_->claim(); }
  Call& call() override { return *call_; }
  const Message& request() const override { return *request_; }
  void FinishWith(Answer answer) override {
    if (answer.ok()) response_ = Serialize(**answer);
    Finish(answer.status());
  }

  void Finish(const absl::Status& status) {
    const grpc::Status answer = call_->Close(status);
    if (answer.ok()) {
      responder_.Finish(response_, answer, End());
    } else {
      responder_.FinishWithError(answer, End());
    }
  }

  // Sets the response, or says why there is none.
  absl::Status Answered() {
    const auto key = RequestKeyOf(call_->method(), *request_);
    if (key) return TransactOnce(*key);
    if (absl::Status status = call_->CheckStillWanted(); !status.ok()) return status;
    const Answer answer = call_->AnswerTo(*request_);
    if (answer.ok()) response_ = Serialize(**answer);
    return answer.status();
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
  CallPort& port_;
  grpc::ServerCompletionQueue& queue_;
  CallPort::UnaryResponder responder_;
  grpc::ByteBuffer bytes_;
  grpc::ByteBuffer response_;
  std::optional<Call> call_;
  const Message* request_ = nullptr;
};

}  // namespace

void ListenForUnary(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue) {
  // Lets go of itself.
  (new UnaryCall(rpc, port, queue))->Listen();
}

}  // namespace aquifer
