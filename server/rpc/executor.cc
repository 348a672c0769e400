#include "server/rpc/executor.h"

#include <absl/time/clock.h>

namespace aquifer {

Executor::Executor(const ExecutorOptions& options) : options_(options), seen_at_(absl::Now()) {
  threads_.reserve(options_.threads);
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { RunJobs(); });
}

Executor::~Executor() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

bool Executor::TrySubmit(Job& job) {
  absl::MutexLock lock(&mutex_);
  if (static_cast<int>(queue_.size()) >= options_.capacity) {
    ++refused_;
    return false;
  }
  queue_.push_back(&job);
  return true;
}

void Executor::Continue(Job& job) {
  absl::MutexLock lock(&mutex_);
  queue_.push_back(&job);
}

absl::Duration Executor::EstimatedWait() const {
  absl::MutexLock lock(&mutex_);
  return absl::Seconds(mean_seconds_ * static_cast<double>(queue_.size() + 1) / options_.threads);
}

bool Executor::MakesProgress(absl::Duration patience) {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = absl::Now();
  if (queue_.empty() || finished_ != seen_finished_) {
    seen_finished_ = finished_;
    seen_at_ = now;
  }
  return now - seen_at_ < patience;
}

ExecutorFigures Executor::Figures() const {
  absl::MutexLock lock(&mutex_);
  return {.threads = options_.threads,
          .running = running_,
          .queued = static_cast<int>(queue_.size()),
          .capacity = options_.capacity,
          .refused = refused_,
          .finished = finished_};
}

void Executor::RunJobs() {
  const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  };
  absl::MutexLock lock(&mutex_);
  for (;;) {
    mutex_.Await(absl::Condition(&has_work));
    if (queue_.empty()) return;
    Job* job = queue_.front();
    queue_.pop_front();
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
