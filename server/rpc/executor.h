// Where calls run: some threads behind one bounded queue. gRPC's own threads never block; all that
// waits for the database waits here.
//
// The queue has two lanes. Whoever waits for an answer goes before bulk work; but every fourth turn
// is bulk work's if there is any, so that it moves on however many wait before it. Bulk work fills
// half of the queue at most, so that it never keeps the others out.
//
// Of idle threads the one that became idle last gets the next job: its memory is still warm, and
// few threads do what few can.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

namespace aquifer {

enum class Lane { kInteractive, kBatch };

struct ExecutorOptions {
  // One for each pooled connection, so that admission is bounded once, by the queue.
  int threads = 1;
  // Jobs that may wait.
  int capacity = 1000;
};

struct ExecutorFigures {
  int threads = 0;
  int running = 0;
  int queued = 0;
  int capacity = 0;
  std::int64_t refused = 0;
  std::int64_t finished = 0;
};

// Thread-safe.
class Executor {
 public:
  // Something to run once. Must live until it ran; may delete itself when it does.
  class Job {
   public:
    virtual ~Job() = default;
    // Must not throw.
    virtual void Run() = 0;
  };

  explicit Executor(const ExecutorOptions& options);
  // Runs what is queued, then ends the threads.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Queues `job`; false if its lane has no room, and then `job` never runs.
  [[nodiscard]] bool TrySubmit(Job& job, Lane lane = Lane::kInteractive);

  // Queues the next step of work that was admitted before, so the bound does not apply: a stream
  // has at most one step here.
  void Continue(Job& job, Lane lane = Lane::kInteractive);

  // How long a job queued now is likely to wait, by what jobs took lately; nothing if a thread is
  // free.
  absl::Duration EstimatedWait(Lane lane = Lane::kInteractive) const;

  // True while jobs finish or there is nothing to do; false once a job has been waiting for
  // `patience` in which none finished. Called regularly, by one thread.
  bool MakesProgress(absl::Duration patience);

  ExecutorFigures Figures() const;

 private:
  std::size_t Queued() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return interactive_.size() + batch_.size();
  }
  std::deque<Job*>& QueueOf(Lane lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return lane == Lane::kBatch ? batch_ : interactive_;
  }
  // The job whose turn it is; one is queued.
  Job* TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A job is queued: wakes an idle thread for it, if there is one.
  void WakeOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Until there is a job, or nothing more to wait for.
  void AwaitWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunJobs();

  // An idle thread, which waits to be called.
  struct Sleeper {
    absl::CondVar wake;
    bool called = false;
  };

  const ExecutorOptions options_;
  mutable absl::Mutex mutex_;
  std::deque<Job*> interactive_ ABSL_GUARDED_BY(mutex_);
  std::deque<Job*> batch_ ABSL_GUARDED_BY(mutex_);
  // The last one became idle last.
  std::vector<Sleeper*> idle_ ABSL_GUARDED_BY(mutex_);
  // Turns since bulk work had one while some waited.
  int turns_without_batch_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t finished_ ABSL_GUARDED_BY(mutex_) = 0;
  // Moving average of a job's time, in seconds.
  double mean_seconds_ ABSL_GUARDED_BY(mutex_) = 0;
  // What MakesProgress saw when it last saw progress.
  std::int64_t seen_finished_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time seen_at_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace aquifer
