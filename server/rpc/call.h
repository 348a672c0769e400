// What every kind of call has in common, from its first byte to its log line.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/time.h>
#include <google/protobuf/arena.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <array>
#include <string>
#include <vector>

#include "repositories/errors.h"
#include "repositories/request_ledger.h"
#include "server/database/consistency.h"
#include "server/database/receipt.h"
#include "server/rpc/method.h"
#include "server/rpc/rpc_runner.h"

namespace aquifer {

// A call of `method`: request id, deadline, receipt. The kinds of call (unary, server stream,
// client stream) own one and keep it until they are done. Used by one thread at a time.
class Call {
 public:
  Call(RpcRunner& rpc, const Method& method, grpc::ServerContextBase& context);
  // When the call is over: writes the log line and counts the call, for only then gRPC knows
  // whether the answer was taken.
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const Method& method() const { return method_; }

  // Reads and checks a request: MESSAGE_TOO_LARGE, MESSAGE_UNREADABLE or INVALID_FIELDS if it will
  // not do. The
  // message lives on the call's arena.
  absl::StatusOr<const Message*> Read(const grpc::ByteBuffer& bytes);

  // Puts `job` into the queue it belongs to. QUEUE_FULL, QUEUE_TOO_LONG or SHUTTING_DOWN, with
  // advice, if it may not go there.
  absl::Status Admit(Executor::Job& job);
  // The same for a call that may be joined by others.
  absl::Status Admit(Joiner& joiner, Joiner::Waiting& waiting);
  // The caller left: gives up the place that Admit or Continue got. True if it was still waiting
  // there, and then whoever asks ends the call.
  bool Withdraw(Executor::Job& job);
  bool Withdraw(Joiner& joiner, Joiner::Waiting& waiting);
  // Queues the next step of a stream that was admitted, with a deadline of its own.
  void Continue(Executor::Job& job);

  // A stream's first step: a place among those that may be open at once, which it keeps until it is
  // destroyed. TOO_MANY_STREAMS, with advice, if there is none.
  absl::Status OpenStream();
  // How long a stream waits for its caller, and how it ends then.
  absl::Duration stream_patience() const { return rpc_.limits_.stream_patience; }
  absl::Status CallerTooSlow() const;

  // Runs `body` in the transaction the method's policy asks for, unless the caller left or the
  // deadline passed while it waited. Called by the job.
  absl::Status Execute(absl::FunctionRef<absl::Status(Session&)> body);
  // What the method answers to `request`, in a transaction of its own or from memory, whether or
  // not it is still wanted.
  Answer AnswerTo(const Message& request);
  // Adds what a set cost that the call was one of.
  void AddReceipt(const Receipt& of_set);
  // The same for a write with a request_id, at most once for its key: `answer` gets what `body`
  // answers, serialized, or what it answered the first time.
  absl::Status ExecuteOnce(const RequestKey& key, absl::FunctionRef<Answer(Session&)> body,
                           std::string& answer);
  // The same checks for what needs no transaction.
  absl::Status CheckStillWanted();

  absl::Time deadline() const { return deadline_; }
  // Whether it may be answered with others: nothing is asked of it that they did not ask for.
  bool may_join() const { return consistency_.strong() && !wants_position_; }

  Lane lane() const { return lane_; }
  const Claim& claim() const { return claim_; }

  // Forgets the messages read so far; a stream calls it between steps.
  void ResetArena() { arena_.Reset(); }

  // The caller left: ends the statement that runs for it. Called by gRPC's threads, at any time.
  void Cancel();
  bool cancelled() const { return cancellation_.cancelled(); }

  // Ends the call: sets the trailers and gives what to Finish with.
  grpc::Status Close(const absl::Status& status);

 private:
  absl::Status Transact(absl::FunctionRef<absl::Status(Session&)> body);
  // What its metadata asks for, beside the request.
  void ReadWishes(std::vector<FieldViolation>& violations);
  absl::Status CheckMayQueue();
  // Where it queues if it is not joined.
  Executor& executor() const;
  // What became of a call whose caller takes no answer any more.
  absl::Status CallerLeft() const;
  // QUEUE_TOO_LONG or QUEUE_FULL, with advice.
  absl::Status Refuse(Reason reason, absl::string_view message, absl::Duration wait);
  void SetTrailers() const;
  void WriteLogLine(absl::Duration total) const;
  // The deadline of a step that begins now.
  absl::Time StepDeadline() const;

  RpcRunner& rpc_;
  const Method& method_;
  grpc::ServerContextBase& context_;
  // Where it queues, and for whom.
  const Lane lane_;
  Claim claim_;
  const absl::Time began_;
  const std::string peer_;
  const std::string request_id_;
  absl::Time deadline_;
  absl::Time queued_at_;
  Receipt receipt_;
  Repeat repeat_ = Repeat::kUnsafe;
  Consistency consistency_;
  bool wants_position_ = false;
  Cancellation cancellation_;
  absl::Time left_at_ = absl::InfinitePast();
  // How the call ended, once it did.
  absl::Status status_;
  bool holds_stream_ = false;
  bool refused_ = false;
  // Most requests fit the block, and then reading one allocates nothing.
  alignas(8) std::array<char, 1024> block_;
  google::protobuf::Arena arena_{block_.data(), block_.size()};
};

// The kind of transaction its policy asks for.
TransactionMode ModeOf(const Method& method);

// The message as bytes for gRPC.
grpc::ByteBuffer Serialize(const Message& message);
// Bytes that are a message already.
grpc::ByteBuffer BufferOf(const std::string& bytes);

}  // namespace aquifer
