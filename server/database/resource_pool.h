// A bounded pool of things that are dear to open. It knows nothing of what it holds.
//
// LIFO: the resource returned last is lent first, which keeps few backends hot and lets the rest
// grow idle and be closed. Waiters are served in the order they came, each handed a resource
// directly, so that a newcomer cannot overtake them.
//
// The acquirer opens a new resource itself when none is idle and there is room; opening, closing
// and destroying happen outside the lock. Growth is slowed while opening fails: after a failure at
// most one open is under way at a time, with a pause before the next that doubles with jitter, as
// open_backoff.h says. Who asks in between, with nothing open, fails at once with the last cause
// instead of queueing for what cannot come. TryAgain ends the pause early.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "repositories/errors.h"
#include "server/database/open_backoff.h"
#include "server/database/pool_figures.h"

namespace aquifer {

struct ResourcePoolOptions {
  int min = 0;
  int max = 1;
  // How long a resource beyond `min` stays unused.
  absl::Duration idle_timeout = absl::Seconds(30);
  // How long a resource lives; each lives up to a tenth less, so that they do not end together.
  absl::Duration max_life = absl::Minutes(30);
  // Callers that may wait at once.
  int max_waiters = 1000;
  // Whoever holds a resource for longer than this is worth a line in the log.
  absl::Duration holder_limit = absl::InfiniteDuration();
  OpenBackoffOptions backoff;
};

// Thread-safe. `T` answers `bool Reusable()`: whether it can serve again, cheaply and without a
// word to whatever is behind it; and `absl::string_view Activity() const`, from any thread: what it
// is busy with, in a literal's words. Leases must end before the pool does.
template <typename T>
class ResourcePool {
 private:
  struct Entry {
    std::unique_ptr<T> resource;
    int generation = 0;
    absl::Time expires;
    absl::Time idle_since;
    absl::Time lent_at;
    absl::string_view label;
    bool reported = false;
  };
  // Entries move between lists by splicing: no allocation a call, and an iterator stays valid.
  using Entries = std::list<Entry>;
  using Place = typename Entries::iterator;

 public:
  // Opens a resource, within the deadline. An error of the catalogue if it cannot.
  using Factory = std::function<absl::StatusOr<std::unique_ptr<T>>(absl::Time deadline)>;
  using Clock = std::function<absl::Time()>;

  // A resource on loan; goes back on destruction.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), place_(other.place_) {}
    Lease& operator=(Lease&& other) noexcept {
      if (this != &other) {
        Return();
        pool_ = std::exchange(other.pool_, nullptr);
        place_ = other.place_;
      }
      return *this;
    }
    ~Lease() { Return(); }

    T* operator->() const { return place_->resource.get(); }
    T& operator*() const { return *place_->resource; }
    explicit operator bool() const { return pool_ != nullptr; }

    // Gives the resource back now.
    void Return() {
      if (auto* pool = std::exchange(pool_, nullptr)) pool->TakeBack(place_);
    }
    // Closes the resource instead of giving it back.
    void Discard(CloseReason reason) {
      if (auto* pool = std::exchange(pool_, nullptr)) pool->Drop(place_, reason);
    }

   private:
    friend class ResourcePool;
    Lease(ResourcePool* pool, Place place) : pool_(pool), place_(place) {}

    ResourcePool* pool_ = nullptr;
    Place place_;
  };

  ResourcePool(const ResourcePoolOptions& options, Factory factory, Clock clock = absl::Now)
      : factory_(std::move(factory)),
        clock_(std::move(clock)),
        idle_timeout_(options.idle_timeout),
        max_life_(options.max_life),
        max_waiters_(options.max_waiters),
        holder_limit_(options.holder_limit),
        min_(options.min),
        max_(options.max),
        backoff_(options.backoff) {}
  ~ResourcePool() { (void)Close(absl::InfinitePast()); }
  ResourcePool(const ResourcePool&) = delete;
  ResourcePool& operator=(const ResourcePool&) = delete;

  // A resource by `deadline`. `label` says who holds it, in messages; it must outlive the lease.
  //
  // POOL_EXHAUSTED if none came free in time or too many wait; SHUTTING_DOWN after Close; the
  // factory's error, with when the next attempt is, if nothing is open and opening fails.
  absl::StatusOr<Lease> Acquire(absl::Time deadline, absl::string_view label);

  // One step of housekeeping: closes what is idle for too long, expired, outdated or surplus, and
  // opens up to min. Returns the error of an open that failed. Opens take until `deadline` at most.
  absl::Status Maintain(absl::Time deadline);

  // Every resource open now serves at most its present lease.
  void Outdate();

  // What is behind the factory was seen to answer: if opening fails, the next attempt may be made
  // at once, unless the last one was refused.
  void TryAgain();

  // Other bounds, from now on. What is beyond `max` is closed when it comes back.
  void Resize(int min, int max);

  // Refuses new acquires, closes what is idle, waits for leases until `deadline`.
  // DEADLINE_EXCEEDED, naming the holders, if some were still out.
  absl::Status Close(absl::Time deadline);

  PoolFigures Figures() const;

  // Who passed `holder_limit` since the last call, and who of those told before let go since: each
  // hold is told once of either.
  std::vector<LongHold> TakeLongHolds();

 private:
  // A caller in the queue; lives on its stack, its fields guarded by mutex_.
  struct Waiter {
    enum class State { kWaiting, kLent, kMayOpen, kRefused };
    State state = State::kWaiting;
    absl::string_view label;
    Place place;
    absl::Status refusal;
    absl::CondVar wake;
  };

  absl::Time Now() const { return clock_(); }
  // The room for it was reserved by ++opening_.
  absl::StatusOr<Lease> OpenReserved(absl::Time deadline, absl::string_view label);
  void TakeBack(Place place);
  void Drop(Place place, CloseReason reason);

  int Size() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int>(idle_.size() + lent_.size()) + opening_;
  }
  bool MayOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (closing_ || Size() >= max_) return false;
    return !backoff_.failing() || (opening_ == 0 && Now() >= backoff_.next_attempt());
  }
  // Nothing is open and the next attempt to open lies ahead.
  bool Down() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return backoff_.failing() && idle_.empty() && lent_.empty() && !MayOpen();
  }
  // `status` with the delay after which to ask again.
  absl::Status WithNextAttempt(absl::Status status) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Wait(Waiter& waiter, absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many there are, what they do, and who has held one longest.
  std::string Census() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Which setting to look at when none came free.
  absl::string_view Advice() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TimeoutStatus(absl::Duration waited) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteReturn(const Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Holders() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Moves an idle resource to the lent ones; whoever asked for it makes the lease.
  void Lend(Place place, absl::string_view label) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AnswerFirst(typename Waiter::State state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ServeWaiters() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Doom(Entries& from, Place place, CloseReason reason, Entries& doomed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why a resource must not be lent again; nothing if it may.
  std::optional<CloseReason> Unfit(const Entry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DoomUnfitIdle(Entries& doomed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Factory factory_;
  const Clock clock_;
  const absl::Duration idle_timeout_;
  const absl::Duration max_life_;
  const int max_waiters_;
  const absl::Duration holder_limit_;

  mutable absl::Mutex mutex_;
  int min_ ABSL_GUARDED_BY(mutex_);
  int max_ ABSL_GUARDED_BY(mutex_);
  // The back was used last.
  Entries idle_ ABSL_GUARDED_BY(mutex_);
  // The front has been out longest.
  Entries lent_ ABSL_GUARDED_BY(mutex_);
  std::list<Waiter*> waiters_ ABSL_GUARDED_BY(mutex_);
  int opening_ ABSL_GUARDED_BY(mutex_) = 0;
  int generation_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  OpenBackoff backoff_ ABSL_GUARDED_BY(mutex_);
  absl::InsecureBitGen random_ ABSL_GUARDED_BY(mutex_);
  // Holds that were told and have ended since.
  std::vector<LongHold> ended_holds_ ABSL_GUARDED_BY(mutex_);
  // Only its counters; the rest is filled in by Figures.
  PoolFigures counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace aquifer

#include "server/database/resource_pool_inl.h"
