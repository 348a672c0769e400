// The definitions of resource_pool.h; include that.
#pragma once

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <iterator>

namespace aquifer {

template <typename T>
absl::StatusOr<typename ResourcePool<T>::Lease> ResourcePool<T>::Acquire(absl::Time deadline,
                                                                         absl::string_view label) {
  while (true) {
    Lease lease;
    Waiter waiter;
    waiter.label = label;
    {
      Entries doomed;
      absl::MutexLock lock(&mutex_);
      if (closing_) return MakeError(Reason::kShuttingDown, "the server is stopping");
      while (!idle_.empty()) {
        const auto unfit = Unfit(idle_.back());
        if (!unfit) break;
        Doom(idle_, std::prev(idle_.end()), *unfit, doomed);
      }
      if (!idle_.empty()) {
        const Place place = std::prev(idle_.end());
        Lend(place, label);
        lease = Lease(this, place);
      } else if (MayOpen() && waiters_.empty()) {
        ++opening_;
        waiter.state = Waiter::State::kMayOpen;
      } else if (Down()) {
        return WithNextAttempt(backoff_.cause());
      } else if (absl::Status status = Wait(waiter, deadline); !status.ok()) {
        return status;
      } else if (waiter.state == Waiter::State::kLent) {
        lease = Lease(this, waiter.place);
      }
    }
    if (waiter.state == Waiter::State::kMayOpen) {
      absl::StatusOr<Lease> opened = OpenReserved(deadline, label);
      if (opened.ok()) return opened;
      absl::MutexLock lock(&mutex_);
      // Others are open, so one may come back in time.
      if (lent_.empty() || Now() >= deadline) return opened;
      continue;
    }
    if (lease->Reusable()) return lease;
    lease.Discard(CloseReason::kBroken);
  }
}

template <typename T>
absl::StatusOr<typename ResourcePool<T>::Lease> ResourcePool<T>::OpenReserved(
    absl::Time deadline, absl::string_view label) {
  int generation;
  {
    absl::MutexLock lock(&mutex_);
    generation = generation_;
  }
  const absl::Time began = Now();
  absl::StatusOr<std::unique_ptr<T>> made = factory_(deadline);

  Entries doomed;
  absl::MutexLock lock(&mutex_);
  --opening_;
  if (!made.ok()) {
    ++counts_.connect_failures;
    absl::Status status = made.status();
    // A caller that was in too much of a hurry says nothing about what is behind the factory.
    if (!absl::IsDeadlineExceeded(status)) backoff_.Failed(began, Now(), status, random_);
    ServeWaiters();
    return backoff_.failing() ? WithNextAttempt(std::move(status)) : status;
  }
  ++counts_.opened;
  const absl::Time now = Now();
  backoff_.Succeeded(now);
  Entry entry;
  entry.resource = *std::move(made);
  entry.generation = generation;
  entry.expires = now + max_life_ * (1 - absl::Uniform(random_, 0.0, 0.1));
  entry.lent_at = now;
  entry.label = label;
  lent_.push_back(std::move(entry));
  if (closing_) {
    Doom(lent_, std::prev(lent_.end()), CloseReason::kShutdown, doomed);
    return MakeError(Reason::kShuttingDown, "the server is stopping");
  }
  Lease lease(this, std::prev(lent_.end()));
  ServeWaiters();
  return lease;
}

template <typename T>
absl::Status ResourcePool<T>::Wait(Waiter& waiter, absl::Time deadline) {
  if (static_cast<int>(waiters_.size()) >= max_waiters_) {
    return MakeError(Reason::kPoolExhausted,
                     absl::StrCat("no connection free and no room to wait: ", Census(),
                                  "; see pool_max_waiters, ", Advice()));
  }
  const absl::Time began = Now();
  waiters_.push_back(&waiter);
  ServeWaiters();
  while (waiter.state == Waiter::State::kWaiting) {
    // Measured by the pool's own clock, so that a test may bring another.
    const absl::Duration left = deadline - Now();
    if (left <= absl::ZeroDuration()) {
      absl::Status status = TimeoutStatus(Now() - began);
      waiters_.remove(&waiter);
      ++counts_.acquire_timeouts;
      return status;
    }
    waiter.wake.WaitWithTimeout(&mutex_, left);
  }
  return waiter.refusal;
}

template <typename T>
void ResourcePool<T>::TakeBack(Place place) {
  const bool reusable = place->resource->Reusable();
  Entries doomed;
  absl::MutexLock lock(&mutex_);
  NoteReturn(*place);
  std::optional<CloseReason> reason = Unfit(*place);
  if (!reusable) reason = CloseReason::kBroken;
  if (!reason && Size() > max_) reason = CloseReason::kSurplus;
  if (reason) {
    Doom(lent_, place, *reason, doomed);
  } else {
    place->idle_since = Now();
    idle_.splice(idle_.end(), lent_, place);
  }
  ServeWaiters();
}

template <typename T>
void ResourcePool<T>::Drop(Place place, CloseReason reason) {
  Entries doomed;
  absl::MutexLock lock(&mutex_);
  NoteReturn(*place);
  Doom(lent_, place, reason, doomed);
  ServeWaiters();
}

template <typename T>
absl::Status ResourcePool<T>::Maintain(absl::Time deadline) {
  {
    Entries doomed;
    absl::MutexLock lock(&mutex_);
    DoomUnfitIdle(doomed);
    ServeWaiters();
  }
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (Size() >= min_ || !MayOpen()) return absl::OkStatus();
      ++opening_;
    }
    absl::StatusOr<Lease> lease = OpenReserved(deadline, "maintenance");
    if (!lease.ok()) return lease.status();
  }
}

template <typename T>
void ResourcePool<T>::Outdate() {
  Entries doomed;
  absl::MutexLock lock(&mutex_);
  ++generation_;
  DoomUnfitIdle(doomed);
  ServeWaiters();
}

template <typename T>
void ResourcePool<T>::TryAgain() {
  absl::MutexLock lock(&mutex_);
  if (!backoff_.failing()) return;
  backoff_.RetryNow();
  ServeWaiters();
}

template <typename T>
void ResourcePool<T>::Resize(int min, int max) {
  Entries doomed;
  absl::MutexLock lock(&mutex_);
  min_ = min;
  max_ = max;
  DoomUnfitIdle(doomed);
  ServeWaiters();
}

template <typename T>
absl::Status ResourcePool<T>::Close(absl::Time deadline) {
  Entries doomed;
  absl::MutexLock lock(&mutex_);
  closing_ = true;
  DoomUnfitIdle(doomed);
  while (!waiters_.empty()) {
    waiters_.front()->refusal = MakeError(Reason::kShuttingDown, "the server is stopping");
    AnswerFirst(Waiter::State::kRefused);
  }
  auto all_back = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return lent_.empty() && opening_ == 0;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&all_back),
                          std::max(deadline - Now(), absl::ZeroDuration()));
  if (all_back()) return absl::OkStatus();
  return MakeError(Reason::kDeadlineExceeded,
                   absl::StrCat(lent_.size(), " connections still in use", Holders()));
}

template <typename T>
PoolFigures ResourcePool<T>::Figures() const {
  absl::MutexLock lock(&mutex_);
  PoolFigures figures = counts_;
  figures.max = max_;
  figures.min = min_;
  figures.active = static_cast<int>(lent_.size());
  figures.idle = static_cast<int>(idle_.size());
  figures.waiting = static_cast<int>(waiters_.size());
  figures.breaker.since = backoff_.changed_at();
  figures.breaker.reason = ReasonOf(backoff_.cause());
  figures.breaker.message = std::string(backoff_.cause().message());
  if (backoff_.failing() && opening_ > 0) {
    figures.breaker.state = BreakerState::kHalfOpen;
  } else if (backoff_.failing()) {
    figures.breaker.state = BreakerState::kOpen;
    figures.breaker.next_attempt_in =
        std::max(backoff_.next_attempt() - Now(), absl::ZeroDuration());
  }
  if (!lent_.empty()) figures.oldest_holder = Now() - lent_.front().lent_at;
  return figures;
}

template <typename T>
std::vector<LongHold> ResourcePool<T>::TakeLongHolds() {
  absl::MutexLock lock(&mutex_);
  std::vector<LongHold> holds = std::exchange(ended_holds_, {});
  const absl::Time now = Now();
  for (Entry& entry : lent_) {
    if (now - entry.lent_at < holder_limit_) break;
    if (entry.reported) continue;
    entry.reported = true;
    ++counts_.long_holds;
    holds.push_back({.label = std::string(entry.label),
                     .activity = std::string(entry.resource->Activity()),
                     .age = now - entry.lent_at});
  }
  return holds;
}

template <typename T>
void ResourcePool<T>::NoteReturn(const Entry& entry) {
  if (!entry.reported) return;
  ended_holds_.push_back(
      {.label = std::string(entry.label), .age = Now() - entry.lent_at, .over = true});
}

template <typename T>
absl::Status ResourcePool<T>::WithNextAttempt(absl::Status status) const {
  SetRetryDelay(status, backoff_.AdviceAt(Now()));
  return status;
}

template <typename T>
absl::Status ResourcePool<T>::TimeoutStatus(absl::Duration waited) const {
  return MakeError(Reason::kPoolExhausted,
                   absl::StrCat("no connection within ",
                                absl::FormatDuration(absl::Trunc(waited, absl::Milliseconds(1))),
                                ": ", Census(), "; see ", Advice()));
}

template <typename T>
std::string ResourcePool<T>::Census() const {
  return absl::StrCat(lent_.size(), " of ", max_, " in use", Holders(), ", ", idle_.size(),
                      " idle, ", opening_, " opening, ", waiters_.size(), " waiting");
}

template <typename T>
absl::string_view ResourcePool<T>::Advice() const {
  if (backoff_.failing()) return "database_url: opening more connections fails";
  if (static_cast<int>(lent_.size()) < max_) return "connect_timeout_ms: connections open slowly";
  return "pool_max, or what the oldest holders run";
}

template <typename T>
std::string ResourcePool<T>::Holders() const {
  constexpr std::size_t kMostNamed = 3;
  std::string text;
  std::size_t named = 0;
  for (auto entry = lent_.begin(); entry != lent_.end() && named < kMostNamed; ++entry, ++named) {
    absl::StrAppend(&text, named == 0 ? " (oldest " : ", ", entry->label, " ",
                    absl::StrFormat("%.1fs", absl::ToDoubleSeconds(Now() - entry->lent_at)));
    const absl::string_view activity = entry->resource->Activity();
    if (!activity.empty()) absl::StrAppend(&text, " in ", activity);
  }
  if (named > 0) text += ")";
  return text;
}

template <typename T>
void ResourcePool<T>::Lend(Place place, absl::string_view label) {
  place->lent_at = Now();
  place->label = label;
  place->reported = false;
  lent_.splice(lent_.end(), idle_, place);
}

template <typename T>
void ResourcePool<T>::AnswerFirst(typename Waiter::State state) {
  Waiter& waiter = *waiters_.front();
  waiter.state = state;
  waiters_.pop_front();
  waiter.wake.Signal();
}

template <typename T>
void ResourcePool<T>::ServeWaiters() {
  while (!waiters_.empty()) {
    Waiter& waiter = *waiters_.front();
    if (!idle_.empty()) {
      waiter.place = std::prev(idle_.end());
      Lend(waiter.place, waiter.label);
      AnswerFirst(Waiter::State::kLent);
    } else if (MayOpen()) {
      ++opening_;
      AnswerFirst(Waiter::State::kMayOpen);
    } else if (Down() && opening_ == 0) {
      waiter.refusal = WithNextAttempt(backoff_.cause());
      AnswerFirst(Waiter::State::kRefused);
    } else {
      return;
    }
  }
}

template <typename T>
void ResourcePool<T>::Doom(Entries& from, Place place, CloseReason reason, Entries& doomed) {
  ++counts_.closed[static_cast<int>(reason)];
  doomed.splice(doomed.end(), from, place);
}

template <typename T>
std::optional<CloseReason> ResourcePool<T>::Unfit(const Entry& entry) const {
  if (closing_) return CloseReason::kShutdown;
  if (entry.generation != generation_) return CloseReason::kOutdated;
  if (Now() >= entry.expires) return CloseReason::kExpired;
  return std::nullopt;
}

template <typename T>
void ResourcePool<T>::DoomUnfitIdle(Entries& doomed) {
  const absl::Time now = Now();
  for (Place place = idle_.begin(); place != idle_.end();) {
    std::optional<CloseReason> reason = Unfit(*place);
    if (!reason && Size() > max_) reason = CloseReason::kSurplus;
    if (!reason && Size() > min_ && now - place->idle_since >= idle_timeout_) {
      reason = CloseReason::kIdle;
    }
    const Place next = std::next(place);
    if (reason) Doom(idle_, place, *reason, doomed);
    place = next;
  }
}

}  // namespace aquifer
