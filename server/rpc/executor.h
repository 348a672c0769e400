// Where calls run: some threads behind one bounded queue. gRPC's own threads never block; all that
// waits for the database waits here.
//
// A job that waited until the end of its claim does not wait for a thread any longer: a thread
// apart runs it, and it is to see by itself that its time is over.
//
// Of idle threads the one that became idle last gets the next job: its memory is still warm, and
// few threads do what few can.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "server/rpc/lanes.h"

namespace aquifer {

struct ExecutorOptions {
  // One for each pooled connection, so that admission is bounded once, by the queue.
  int threads = 1;
  // What may wait.
  LaneBounds queue = {};
};

struct ExecutorFigures {
  int threads = 0;
  int running = 0;
  int queued = 0;
  int capacity = 0;
  // What the requests that wait take.
  std::int64_t queued_bytes = 0;
  std::int64_t refused = 0;
  std::int64_t finished = 0;
  // Waited until the end of their claim.
  std::int64_t overdue = 0;
  // Withdrawn while they waited.
  std::int64_t withdrawn = 0;
};

// Thread-safe.
class Executor {
 public:
  // Something to run once. Must live until it ran; may delete itself when it does.
  class Job {
   public:
    virtual ~Job() = default;
    // Must not throw, and must not block once its claim has ended.
    virtual void Run() = 0;
  };

  explicit Executor(const ExecutorOptions& options);
  // Runs what is queued, then ends the threads.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Queues `job`; false if its lane has no room, or its caller no more of its share, and then `job`
  // never runs.
  [[nodiscard]] bool TrySubmit(Job& job, Lane lane = Lane::kInteractive, const Claim& claim = {});

  // Queues the next step of work that was admitted before, so the bound does not apply: a stream
  // has at most one step here.
  void Continue(Job& job, Lane lane = Lane::kInteractive, const Claim& claim = {});

  // Gives up the place of `job`, queued with these; false if it has none any more, for it runs or
  // ran. True, and it never runs.
  [[nodiscard]] bool Withdraw(Job& job, Lane lane = Lane::kInteractive, const Claim& claim = {});

  // Runs `job` on the thread apart at `at`, or up to 10 ms later; forgets it if the executor ends
  // before. It must not block.
  void Remind(Job& job, absl::Time at);

  // How long a job of this caller queued now is likely to wait, by what jobs took lately; nothing
  // if a thread is free.
  absl::Duration EstimatedWait(Lane lane = Lane::kInteractive, std::uint64_t caller = 0) const;

  // True while jobs finish or there is nothing to do; false once a job has been waiting for
  // `patience` in which none finished; one that was answered because it waited for too long, or
  // withdrawn, has not finished. Called regularly, by one thread.
  bool MakesProgress(absl::Duration patience);

  const ExecutorOptions& options() const { return options_; }
  ExecutorFigures Figures() const;

 private:
  // A job is queued: wakes an idle thread for it, if there is one.
  void WakeOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Until there is a job, or nothing more to wait for.
  void AwaitWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunJobs();
  // Queues it and sees that somebody looks at it.
  void Queue(Job& job, Lane lane, const Claim& claim) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The thread apart: looks for overdue jobs and reminders while there are any.
  void RunOverdueJobs();
  void TakeReminders(absl::Time now, std::vector<Job*>& taken)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // An idle thread, which waits to be called.
  struct Sleeper {
    absl::CondVar wake;
    bool called = false;
  };

  const ExecutorOptions options_;
  mutable absl::Mutex mutex_;
  Lanes<Job> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<absl::Time, Job*>> reminders_ ABSL_GUARDED_BY(mutex_);
  // The last one became idle last.
  std::vector<Sleeper*> idle_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t finished_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t overdue_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t withdrawn_ ABSL_GUARDED_BY(mutex_) = 0;
  // Wakes the thread apart, where it sleeps because nothing waits.
  absl::CondVar something_waits_ ABSL_GUARDED_BY(mutex_);
  bool clock_sleeps_ ABSL_GUARDED_BY(mutex_) = false;
  // Moving average of a job's time, in seconds.
  double mean_seconds_ ABSL_GUARDED_BY(mutex_) = 0;
  // What MakesProgress saw when it last saw progress.
  std::int64_t seen_finished_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t seen_unrun_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time seen_at_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
  std::thread clock_;
};

}  // namespace aquifer
