// Joins calls of one method that wait at the same time into sets, each of which one worker answers
// with one statement and one commit. Nothing waits in order to be joined: a call that finds a
// worker goes alone, and what comes meanwhile waits for the next.
//
// How many sets may be under way follows what the time of one goes to. Where it is mostly waiting
// (a commit on a slow disk, a database far away), many at once cost nothing and save the wait;
// where it is mostly work, few large ones spare the work. The measure is what a set of one takes
// with nothing beside it, against what sets take now: 1 / (1 - alone / now).
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>
#include <absl/types/span.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "server/rpc/executor.h"

namespace aquifer {

struct JoinerOptions {
  // The most calls, and bytes of requests, of one set.
  int max_calls = 128;
  std::size_t max_bytes = std::size_t{1024} * 1024;
  // Sets under way at once, at most.
  int max_flights = 1;
  // What may wait.
  LaneBounds queue = {};
};

struct JoinerFigures {
  int waiting = 0;
  std::int64_t waiting_bytes = 0;
  std::int64_t refused = 0;
  // Waited until the end of their claim, with no set to go in.
  std::int64_t overdue = 0;
  // Withdrawn before a set took them.
  std::int64_t withdrawn = 0;
  // Sets flown, and the calls in them.
  std::int64_t flights = 0;
  std::int64_t calls = 0;

  JoinerFigures& operator+=(const JoinerFigures& other) {
    waiting += other.waiting;
    waiting_bytes += other.waiting_bytes;
    refused += other.refused;
    overdue += other.overdue;
    withdrawn += other.withdrawn;
    flights += other.flights;
    calls += other.calls;
    return *this;
  }
};

// Thread-safe. Must outlive the executor's jobs.
class Joiner final : private Executor::Job {
 public:
  // A call that waits. Must live until it landed.
  class Waiting {
   public:
    virtual ~Waiting() = default;
    virtual Lane lane() const = 0;
    virtual const Claim& claim() const = 0;
    // Whether it is to fly its next flight by itself, for it would hold up others.
    virtual bool alone() const { return false; }
  };

  // What is done with a set, by workers; thread-safe.
  class Flyer {
   public:
    virtual ~Flyer() = default;
    // What keeps the database busy; nothing, for calls that waited until the end of their claim.
    virtual void Fly(absl::Span<Waiting* const> set) = 0;
    // The last to touch `call`; false, having done nothing, if it must fly once more, after those
    // it flew with.
    virtual bool Land(Waiting& call) = 0;
  };

  // Both must outlive the joiner.
  Joiner(Executor& executor, Flyer& flyer, const JoinerOptions& options);
  Joiner(const Joiner&) = delete;
  Joiner& operator=(const Joiner&) = delete;

  // False if too many wait, or too many of its caller, and then `call` never flies.
  [[nodiscard]] bool TryAdd(Waiting& call);
  // Gives up the place of `call`; false if a set has taken it. True, and it never flies.
  [[nodiscard]] bool Withdraw(Waiting& call);
  // How long a call of this caller added now is likely to wait.
  absl::Duration EstimatedWait(Lane lane, std::uint64_t caller) const;
  JoinerFigures Figures() const;

 private:
  using Set = std::vector<Waiting*>;

  // Looks after those that wait while nothing takes off.
  class Reminder final : public Executor::Job {
   public:
    explicit Reminder(Joiner& joiner) : joiner_(joiner) {}
    void Run() override { joiner_.LookAfterWaiting(); }

   private:
    Joiner& joiner_;
  };

  // One flight: a set, there and back.
  void Run() override;
  void LookAfterWaiting();
  std::size_t WaitingCalls() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return waiting_.size() + again_.size();
  }
  Set TakeSet() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BoardIfDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many sets may be under way.
  int Allowed() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // A set of one, with nothing beside it, is due: to learn what that takes.
  bool ProbeDue() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void NoteTime(double seconds, bool alone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Executor& executor_;
  Flyer& flyer_;
  const JoinerOptions options_;
  mutable absl::Mutex mutex_;
  Lanes<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  // Those that fly once more go first.
  std::deque<Waiting*> again_ ABSL_GUARDED_BY(mutex_);
  // A worker was asked for the next flight.
  bool boarding_ ABSL_GUARDED_BY(mutex_) = false;
  int flying_ ABSL_GUARDED_BY(mutex_) = 0;
  // When a set last took off or landed.
  absl::Time moved_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  Reminder reminder_{*this};
  bool reminded_ ABSL_GUARDED_BY(mutex_) = false;
  // The flight under way is to stay the only one.
  bool probing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time next_probe_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  // Moving averages of a flight's seconds: of a small one alone, and of all. 0 if not known.
  double alone_ ABSL_GUARDED_BY(mutex_) = 0;
  double now_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t overdue_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t withdrawn_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t flights_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace aquifer
