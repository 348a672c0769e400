#include "server/rpc/executor.h"

#include <absl/time/clock.h>

#include <algorithm>

namespace aquifer {
namespace {

// Bulk work gets at least one turn in this many.
constexpr int kTurnsToBatch = 4;

}  // namespace

Executor::Executor(const ExecutorOptions& options) : options_(options), seen_at_(absl::Now()) {
  threads_.reserve(options_.threads);
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { RunJobs(); });
}

Executor::~Executor() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    while (!idle_.empty()) WakeOne();
  }
  for (std::thread& thread : threads_) thread.join();
}

bool Executor::TrySubmit(Job& job, Lane lane) {
  absl::MutexLock lock(&mutex_);
  const auto capacity = static_cast<std::size_t>(options_.capacity);
  if (Queued() >= capacity || (lane == Lane::kBatch && batch_.size() >= (capacity + 1) / 2)) {
    ++refused_;
    return false;
  }
  QueueOf(lane).push_back(&job);
  WakeOne();
  return true;
}

void Executor::Continue(Job& job, Lane lane) {
  absl::MutexLock lock(&mutex_);
  QueueOf(lane).push_back(&job);
  WakeOne();
}

absl::Duration Executor::EstimatedWait(Lane lane) const {
  absl::MutexLock lock(&mutex_);
  if (Queued() == 0 && running_ < options_.threads) return absl::ZeroDuration();
  // Bulk work waits for all; others for their own, and for the turns that bulk work gets meanwhile.
  const std::size_t own = interactive_.size();
  const std::size_t others =
      lane == Lane::kBatch ? batch_.size() : std::min(batch_.size(), own / (kTurnsToBatch - 1));
  return absl::Seconds(mean_seconds_ * static_cast<double>(own + others + 1) / options_.threads);
}

bool Executor::MakesProgress(absl::Duration patience) {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = absl::Now();
  if (Queued() == 0 || finished_ != seen_finished_) {
    seen_finished_ = finished_;
    seen_at_ = now;
  }
  return now - seen_at_ < patience;
}

ExecutorFigures Executor::Figures() const {
  absl::MutexLock lock(&mutex_);
  return {.threads = options_.threads,
          .running = running_,
          .queued = static_cast<int>(Queued()),
          .capacity = options_.capacity,
          .refused = refused_,
          .finished = finished_};
}

Executor::Job* Executor::TakeNext() {
  const bool batch =
      !batch_.empty() && (interactive_.empty() || turns_without_batch_ >= kTurnsToBatch - 1);
  turns_without_batch_ = batch || batch_.empty() ? 0 : turns_without_batch_ + 1;
  std::deque<Job*>& queue = batch ? batch_ : interactive_;
  Job* job = queue.front();
  queue.pop_front();
  return job;
}

void Executor::WakeOne() {
  if (idle_.empty()) return;
  Sleeper& sleeper = *idle_.back();
  idle_.pop_back();
  sleeper.called = true;
  sleeper.wake.Signal();
}

void Executor::AwaitWork() {
  while (Queued() == 0 && !stopping_) {
    Sleeper sleeper;
    idle_.push_back(&sleeper);
    while (!sleeper.called) sleeper.wake.Wait(&mutex_);
  }
}

void Executor::RunJobs() {
  absl::MutexLock lock(&mutex_);
  for (;;) {
    AwaitWork();
    if (Queued() == 0) return;
    Job* job = TakeNext();
    ++running_;
    mutex_.Unlock();

    const absl::Time began = absl::Now();
    job->Run();
    const double seconds = absl::ToDoubleSeconds(absl::Now() - began);

    mutex_.Lock();
    --running_;
    ++finished_;
    // A tenth of each new figure: follows a change of load within some dozen calls.
    mean_seconds_ += (seconds - mean_seconds_) / 10;
  }
}

}  // namespace aquifer
