#include "server/rpc/executor.h"

#include <absl/time/clock.h>

#include <algorithm>

namespace aquifer {
namespace {

// How late an overdue job may be noticed.
constexpr absl::Duration kLookEvery = absl::Milliseconds(10);

}  // namespace

Executor::Executor(const ExecutorOptions& options)
    : options_(options), queue_(options.queue), seen_at_(absl::Now()) {
  threads_.reserve(options_.threads);
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { RunJobs(); });
  clock_ = std::thread([this] { RunOverdueJobs(); });
}

Executor::~Executor() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    while (!idle_.empty()) WakeOne();
    something_waits_.Signal();
  }
  for (std::thread& thread : threads_) thread.join();
  clock_.join();
}

bool Executor::TrySubmit(Job& job, Lane lane, const Claim& claim) {
  absl::MutexLock lock(&mutex_);
  if (!queue_.HasRoom(lane, claim)) {
    ++refused_;
    return false;
  }
  Queue(job, lane, claim);
  return true;
}

bool Executor::Withdraw(Job& job, Lane lane, const Claim& claim) {
  absl::MutexLock lock(&mutex_);
  if (!queue_.Remove(job, lane, claim)) return false;
  ++withdrawn_;
  return true;
}

void Executor::Continue(Job& job, Lane lane, const Claim& claim) {
  absl::MutexLock lock(&mutex_);
  Queue(job, lane, claim);
}

void Executor::Queue(Job& job, Lane lane, const Claim& claim) {
  queue_.Push(job, lane, claim);
  // Where a thread is idle it takes the job now, and nobody has to watch the time.
  if (idle_.empty() && clock_sleeps_) something_waits_.Signal();
  WakeOne();
}

void Executor::Remind(Job& job, absl::Time at) {
  absl::MutexLock lock(&mutex_);
  reminders_.emplace_back(at, &job);
  if (clock_sleeps_) something_waits_.Signal();
}

absl::Duration Executor::EstimatedWait(Lane lane, std::uint64_t caller) const {
  absl::MutexLock lock(&mutex_);
  if (queue_.size() == 0 && running_ < options_.threads) return absl::ZeroDuration();
  return absl::Seconds(mean_seconds_ * static_cast<double>(queue_.AheadOf(lane, caller) + 1) /
                       options_.threads);
}

bool Executor::MakesProgress(absl::Duration patience) {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = absl::Now();
  // An empty queue says nothing where jobs left it because no thread came.
  const std::int64_t unrun = overdue_ + withdrawn_;
  const bool idle = queue_.size() == 0 && (running_ < options_.threads || unrun == seen_unrun_);
  if (idle || finished_ != seen_finished_) {
    seen_finished_ = finished_;
    seen_unrun_ = unrun;
    seen_at_ = now;
  }
  return now - seen_at_ < patience;
}

ExecutorFigures Executor::Figures() const {
  absl::MutexLock lock(&mutex_);
  return {.threads = options_.threads,
          .running = running_,
          .queued = static_cast<int>(queue_.size()),
          .capacity = options_.queue.capacity,
          .queued_bytes = static_cast<std::int64_t>(queue_.bytes()),
          .refused = refused_,
          .finished = finished_,
          .overdue = overdue_,
          .withdrawn = withdrawn_};
}

void Executor::WakeOne() {
  if (idle_.empty()) return;
  Sleeper& sleeper = *idle_.back();
  idle_.pop_back();
  sleeper.called = true;
  sleeper.wake.Signal();
}

void Executor::AwaitWork() {
  while (queue_.size() == 0 && !stopping_) {
    Sleeper sleeper;
    idle_.push_back(&sleeper);
    while (!sleeper.called) sleeper.wake.Wait(&mutex_);
  }
}

void Executor::RunJobs() {
  absl::MutexLock lock(&mutex_);
  for (;;) {
    AwaitWork();
    if (queue_.size() == 0) return;
    Job* job = &queue_.Pop();
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

void Executor::RunOverdueJobs() {
  std::vector<Job*> taken;
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    if (queue_.size() == 0 && reminders_.empty()) {
      clock_sleeps_ = true;
      something_waits_.Wait(&mutex_);
      clock_sleeps_ = false;
      continue;
    }
    something_waits_.WaitWithTimeout(&mutex_, kLookEvery);
    const absl::Time now = absl::Now();
    queue_.TakeOverdue(now, taken);
    // Counted before anybody hears of it.
    overdue_ += static_cast<std::int64_t>(taken.size());
    TakeReminders(now, taken);
    if (taken.empty()) continue;
    mutex_.Unlock();
    for (Job* job : taken) job->Run();
    mutex_.Lock();
    taken.clear();
  }
}

void Executor::TakeReminders(absl::Time now, std::vector<Job*>& taken) {
  const auto due = std::partition(reminders_.begin(), reminders_.end(),
                                  [now](const auto& reminder) { return now < reminder.first; });
  for (auto reminder = due; reminder != reminders_.end(); ++reminder) {
    taken.push_back(reminder->second);
  }
  reminders_.erase(due, reminders_.end());
}

}  // namespace aquifer
