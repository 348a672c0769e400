#include "client/caller.h"

#include <absl/time/clock.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/rpc_method.h>

#include <algorithm>
#include <optional>

#include "client/attempt.h"
#include "client/request_id.h"
#include "client/retry_schedule.h"

namespace aquifer::client {
namespace {

using google::protobuf::Message;
using google::protobuf::MessageLite;

// How much longer than the server's own limit a try lasts, so that its error, which says more than
// gRPC's, arrives.
constexpr absl::Duration kGrace = absl::Milliseconds(500);

}  // namespace

absl::Time Caller::DeadlineOf(const CalledMethod& method, const CallOptions& options) const {
  const auto& timeout = options.timeout ? options.timeout : options_.timeout;
  return absl::Now() + timeout.value_or(absl::Milliseconds(method.policy.default_deadline_ms()));
}

RetryOptions Caller::RetriesOf(const CallOptions& options) const {
  RetryOptions retries = options_.retries;
  if (options.retries == Retries::kNone) retries.max_tries = 1;
  return retries;
}

void Caller::WaitFor(const RetryPause& pause) const {
  const absl::Time end = absl::Now() + pause.length;
  // gRPC works on a connection only while some thread waits for it; one that sleeps would have it
  // found seconds late.
  if (channel_->GetState(true) != GRPC_CHANNEL_READY) {
    channel_->WaitForConnected(absl::ToChronoTime(end));
    if (!pause.advised) return;
  }
  absl::SleepFor(end - absl::Now());
}

absl::Status Caller::Call(const CalledMethod& method, const Message& request, Message& response,
                          const CallOptions& options) const {
  const absl::Time deadline = DeadlineOf(method, options);
  const auto longest_try = absl::Milliseconds(method.policy.default_deadline_ms()) + kGrace;
  const std::string path = PathOf(method.name);
  // What the generated stubs call too; with it, one path serves every method.
  const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
  const auto with_id = WithRequestId(method.policy, request);
  const MessageLite& sent = with_id ? *with_id : request;

  RetrySchedule schedule(RetriesOf(options), deadline);
  for (int number = 1;; ++number) {
    Attempt attempt(method.name, number, std::min(deadline, absl::Now() + longest_try), options,
                    options_);
    if (!attempt.fitness().ok()) return attempt.fitness();
    absl::Status status = attempt.End(grpc::internal::BlockingUnaryCall<MessageLite, MessageLite>(
        channel_.get(), rpc, &attempt.context(), sent, &response));
    if (status.ok()) return status;
    const auto pause = schedule.PauseAfter(status, attempt.Pushback(), absl::Now());
    if (!pause) return status;
    WaitFor(*pause);
  }
}

}  // namespace aquifer::client
