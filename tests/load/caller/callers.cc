#include "tests/load/caller/callers.h"

#include <absl/strings/str_cat.h>

#include <thread>

#include "google/rpc/error_details.pb.h"
#include "tests/testing/status_details.h"

namespace aquifer::load {
namespace {

// How long to wait before coming again; none if the error is no refusal with such an advice.
std::optional<absl::Duration> AdvisedDelay(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) return std::nullopt;
  const auto advice = testing::DetailOf<google::rpc::RetryInfo>(status);
  if (!advice) return std::nullopt;
  return absl::Seconds(advice->retry_delay().seconds()) +
         absl::Nanoseconds(advice->retry_delay().nanos());
}

}  // namespace

Callers::Callers(const RunPlan& plan, const Workload& workload, int callers,
                 const std::vector<std::shared_ptr<grpc::Channel>>& channels)
    : plan_(plan), workload_(workload), callers_(callers) {
  for (const auto& channel : channels) {
    stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
  }
  for (std::size_t i = 0; i < callers_.size(); ++i) {
    callers_[i].stub = stubs_[i % stubs_.size()].get();
  }
}

void Callers::Run() {
  counting_from_ = Clock::now() + absl::ToChronoNanoseconds(plan_.warm_up);
  end_ = counting_from_ + absl::ToChronoNanoseconds(plan_.length);
  if (plan_.rate > 0) {
    CallAtRate();
  } else {
    CallInTurn();
  }
}

void Callers::CallInTurn() {
  for (Caller& caller : callers_) Call(caller, Clock::now());
  std::size_t busy = callers_.size();
  void* tag = nullptr;
  bool ok = false;
  while (busy > 0 && queue_.Next(&tag, &ok)) {
    Caller& caller = *static_cast<Caller*>(tag);
    if (!Finish(caller)) continue;
    const auto now = Clock::now();
    if (now < end_) {
      Call(caller, now);
    } else {
      --busy;
    }
  }
}

void Callers::CallAtRate() {
  {
    absl::MutexLock lock(&mutex_);
    for (Caller& caller : callers_) free_.push_back(&caller);
  }
  // The queue is waited on by a thread of its own: gRPC's timers tick in milliseconds.
  std::thread answers([this] {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      auto* caller = static_cast<Caller*>(tag);
      if (!Finish(*caller)) continue;
      absl::MutexLock lock(&mutex_);
      free_.push_back(caller);
    }
  });
  const auto has_free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !free_.empty(); };
  const double mean_gap = 1 / (plan_.rate / plan_.threads);
  for (auto at = Clock::now(); at < end_;) {
    std::this_thread::sleep_until(at);
    Caller* caller = nullptr;
    {
      absl::MutexLock lock(&mutex_, absl::Condition(&has_free));
      caller = free_.back();
      free_.pop_back();
    }
    Call(*caller, at);
    at += std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(absl::Exponential<double>(random_, 1 / mean_gap)));
  }
  const auto all_free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return free_.size() == callers_.size();
  };
  { absl::MutexLock lock(&mutex_, absl::Condition(&all_free)); }
  queue_.Shutdown();
  answers.join();
}

void Callers::Call(Caller& caller, Clock::time_point since) {
  caller.operation = &workload_.Pick(random_);
  caller.request = caller.operation->make(plan_.history, random_, caller.expected);
  caller.since = since;
  Send(caller);
}

void Callers::Send(Caller& caller) {
  caller.context.emplace();
  caller.reader = caller.stub->PrepareUnaryCall(&*caller.context, caller.operation->method,
                                                caller.request, &queue_);
  caller.reader->StartCall();
  caller.reader->Finish(&caller.answer, &caller.status, &caller);
}

bool Callers::Finish(Caller& caller) {
  if (caller.alarm) {
    caller.alarm.reset();
    Send(caller);
    return false;
  }
  if (caller.status.ok()) {
    const std::string wrong = caller.operation->check(caller.answer, caller.expected);
    const auto now = Clock::now();
    if (!wrong.empty()) {
      tally_.Failed(wrong);
    } else if (now >= counting_from_) {
      tally_.Succeeded(absl::FromChrono(now - caller.since));
    }
    return true;
  }
  const auto delay = AdvisedDelay(caller.status);
  if (!delay) {
    tally_.Failed(absl::StrCat("code ", static_cast<int>(caller.status.error_code()), ": ",
                               caller.status.error_message()));
    return true;
  }
  tally_.Refused();
  // Nobody waits at the end of a run.
  if (Clock::now() >= end_) return true;
  caller.alarm.emplace();
  caller.alarm->Set(&queue_, absl::ToChronoTime(absl::Now() + *delay), &caller);
  return false;
}

}  // namespace aquifer::load
