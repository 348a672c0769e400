#include "server/database/canceller.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

namespace aquifer {

void Cancellation::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  if (running_ != nullptr) running_->canceller_.Ask(*running_);
}

bool Cancellation::cancelled() const {
  absl::MutexLock lock(&mutex_);
  return cancelled_;
}

Canceller::Canceller(const CancellerOptions& options) : state_(std::make_shared<State>(options)) {
  std::thread([state = state_] { SendRequests(*state); }).detach();
}

Canceller::~Canceller() {
  absl::MutexLock lock(&state_->mutex);
  state_->stopping = true;
  state_->mutex.AwaitWithTimeout(absl::Condition(&state_->stopped), state_->options.patience);
}

CancellerFigures Canceller::Figures() const {
  absl::MutexLock lock(&state_->mutex);
  CancellerFigures figures = state_->figures;
  figures.sending = state_->sending == nullptr ? 0 : 1;
  return figures;
}

void Canceller::SendRequests(State& state) {
  absl::MutexLock lock(&state.mutex);
  while (CancelScope* scope = TakeDue(state)) {
    state.sending = scope;
    const std::shared_ptr<PGcancel> target = scope->target_;
    state.mutex.Unlock();

    std::array<char, 256> error;
    const bool sent = PQcancel(target.get(), error.data(), error.size()) != 0;

    state.mutex.Lock();
    ++(sent ? state.figures.sent : state.figures.failed);
    if (state.sending != nullptr) {
      // Even one that failed may have got through before it did.
      ++scope->sent_;
      state.wishes.push_back({scope, absl::Now() + state.options.again});
      state.sending = nullptr;
    }
    state.mutex.AwaitWithTimeout(absl::Condition(&state.stopping), state.options.pause);
  }
  state.stopped = true;
}

CancelScope* Canceller::TakeDue(State& state) {
  const auto woken = [&state]() ABSL_SHARED_LOCKS_REQUIRED(state.mutex) {
    return state.stopping || state.asked;
  };
  const auto sooner = [](const Wish& one, const Wish& other) { return one.due < other.due; };
  while (!state.stopping) {
    const auto next = std::min_element(state.wishes.begin(), state.wishes.end(), sooner);
    if (next != state.wishes.end() && next->due <= absl::Now()) {
      CancelScope* scope = next->scope;
      state.wishes.erase(next);
      return scope;
    }
    state.asked = false;
    state.mutex.AwaitWithDeadline(absl::Condition(&woken),
                                  next == state.wishes.end() ? absl::InfiniteFuture() : next->due);
  }
  return nullptr;
}

void Canceller::Ask(CancelScope& scope) {
  absl::MutexLock lock(&state_->mutex);
  state_->wishes.push_back({&scope, absl::Now()});
  state_->asked = true;
}

void Canceller::Withdraw(CancelScope& scope) {
  absl::MutexLock lock(&state_->mutex);
  const auto not_sending = [this, &scope]() ABSL_SHARED_LOCKS_REQUIRED(state_->mutex) {
    return state_->sending != &scope;
  };
  if (!state_->mutex.AwaitWithTimeout(absl::Condition(&not_sending), state_->options.patience)) {
    state_->sending = nullptr;
    scope.hangs_ = true;
  }
  auto& wishes = state_->wishes;
  wishes.erase(std::remove_if(wishes.begin(), wishes.end(),
                              [&scope](const Wish& wish) { return wish.scope == &scope; }),
               wishes.end());
}

CancelScope::CancelScope(Canceller& canceller, std::shared_ptr<PGcancel> target,
                         Cancellation* cancellation)
    : canceller_(canceller), target_(std::move(target)), cancellation_(cancellation) {
  if (cancellation_ == nullptr) return;
  absl::MutexLock lock(&cancellation_->mutex_);
  cancellation_->running_ = this;
}

void CancelScope::End() {
  if (ended_ || cancellation_ == nullptr) return;
  ended_ = true;
  {
    absl::MutexLock lock(&cancellation_->mutex_);
    cancellation_->running_ = nullptr;
    if (!cancellation_->cancelled_) return;
  }
  canceller_.Withdraw(*this);
}

}  // namespace aquifer
