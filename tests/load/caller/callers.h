// Callers on one completion queue: each makes a call, checks the answer, and makes the next. With a
// rate, calls come at random moments instead, as pgbench's --rate has them; one that finds every
// caller busy waits, and its latency counts from the moment it came.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/random/random.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "tests/load/caller/operations.h"
#include "tests/load/caller/run_plan.h"
#include "tests/load/caller/tally.h"

namespace aquifer::load {

class Callers {
 public:
  // `callers` of them, one after the other on each of the channels.
  Callers(const RunPlan& plan, const Workload& workload, int callers,
          const std::vector<std::shared_ptr<grpc::Channel>>& channels);

  // Calls until the warm-up and the plan's length are over and every call is answered. Once.
  void Run();

  Tally& tally() { return tally_; }

 private:
  using Clock = std::chrono::steady_clock;

  // One caller, and its call. What gRPC needs anew for each call is made in place.
  struct Caller {
    grpc::GenericStub* stub = nullptr;
    const Operation* operation = nullptr;
    Expected expected;
    std::optional<grpc::ClientContext> context;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
    grpc::ByteBuffer answer;
    grpc::Status status;
    Clock::time_point since;
    // Set while the caller was told to come again later.
    std::optional<grpc::Alarm> alarm;
    grpc::ByteBuffer request;
  };

  void CallInTurn();
  void CallAtRate();
  // A new call of this caller, counted from `since`.
  void Call(Caller& caller, Clock::time_point since);
  void Send(Caller& caller);
  // True if the caller has its answer; else it comes again later with the same request.
  bool Finish(Caller& caller);

  const RunPlan& plan_;
  const Workload& workload_;
  absl::InsecureBitGen random_;
  // The stubs and the queue outlive the calls.
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
  std::vector<Caller> callers_;
  // When what is answered begins to count, and when no more calls are made.
  Clock::time_point counting_from_;
  Clock::time_point end_;
  Tally tally_;

  // At a rate: who is free, while one thread begins calls and another takes answers.
  absl::Mutex mutex_;
  std::vector<Caller*> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace aquifer::load
