#include "server/rpc/joiner.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <cmath>

namespace aquifer {
namespace {

// So many calls still show what a flight takes by itself.
constexpr std::size_t kSmallSet = 2;
constexpr absl::Duration kProbeInterval = absl::Seconds(1);
// Flights that take up to this many times what one takes alone are not in each other's way.
constexpr double kTolerance = 1.5;
// When nothing has taken off or landed for so long, something hangs.
constexpr absl::Duration kStuck = absl::Milliseconds(50);
// The weights of a new figure in the averages.
constexpr double kWeightAlone = 0.25;
constexpr double kWeightNow = 0.1;

}  // namespace

Joiner::Joiner(Executor& executor, Flyer& flyer, const JoinerOptions& options)
    : executor_(executor), flyer_(flyer), options_(options), waiting_(options.queue) {}

bool Joiner::TryAdd(Waiting& call) {
  absl::MutexLock lock(&mutex_);
  if (!waiting_.HasRoom(call.lane(), call.claim())) {
    ++refused_;
    return false;
  }
  waiting_.Push(call, call.lane(), call.claim());
  BoardIfDue();
  return true;
}

bool Joiner::Withdraw(Waiting& call) {
  absl::MutexLock lock(&mutex_);
  if (!waiting_.Remove(call, call.lane(), call.claim())) return false;
  ++withdrawn_;
  return true;
}

absl::Duration Joiner::EstimatedWait(Lane lane, std::uint64_t caller) const {
  absl::MutexLock lock(&mutex_);
  const int allowed = Allowed();
  if (WaitingCalls() == 0 && flying_ < allowed) return absl::ZeroDuration();
  const auto ahead = static_cast<double>(waiting_.AheadOf(lane, caller) + again_.size());
  const double rounds = 1 + ahead / options_.max_calls / allowed;
  return absl::Seconds(now_ * rounds);
}

JoinerFigures Joiner::Figures() const {
  absl::MutexLock lock(&mutex_);
  return {.waiting = static_cast<int>(WaitingCalls()),
          .waiting_bytes = static_cast<std::int64_t>(waiting_.bytes()),
          .refused = refused_,
          .overdue = overdue_,
          .withdrawn = withdrawn_,
          .flights = flights_,
          .calls = calls_};
}

void Joiner::Run() {
  Set set;
  bool alone = false;
  std::int64_t flight = 0;
  {
    absl::MutexLock lock(&mutex_);
    boarding_ = false;
    set = TakeSet();
    if (set.empty()) return;
    alone = flying_ == 0 && set.size() <= kSmallSet;
    ++flying_;
    moved_at_ = absl::Now();
    flight = ++flights_;
    calls_ += static_cast<std::int64_t>(set.size());
  }
  const absl::Time began = absl::Now();
  flyer_.Fly(set);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - began);
  {
    absl::MutexLock lock(&mutex_);
    --flying_;
    moved_at_ = absl::Now();
    probing_ = false;
    NoteTime(seconds, alone && flights_ == flight);
    // The next set flies while this one's answers are sent.
    BoardIfDue();
  }
  Set again;
  for (Waiting* call : set) {
    if (!flyer_.Land(*call)) again.push_back(call);
  }
  if (again.empty()) return;
  absl::MutexLock lock(&mutex_);
  again_.insert(again_.end(), again.begin(), again.end());
  BoardIfDue();
}

void Joiner::LookAfterWaiting() {
  Set overdue;
  {
    absl::MutexLock lock(&mutex_);
    reminded_ = false;
    waiting_.TakeOverdue(absl::Now(), overdue);
    overdue_ += static_cast<std::int64_t>(overdue.size());
    BoardIfDue();
  }
  if (overdue.empty()) return;
  flyer_.Fly(overdue);
  for (Waiting* call : overdue) flyer_.Land(*call);
}

Joiner::Set Joiner::TakeSet() {
  // What the first flight takes is learnt without keeping others waiting for it.
  probing_ = ProbeDue() && flying_ == 0;
  const std::size_t most = probing_ ? 1 : static_cast<std::size_t>(options_.max_calls);
  Set set;
  std::size_t bytes = 0;
  while (WaitingCalls() > 0 && set.size() < most && bytes < options_.max_bytes) {
    if (again_.empty()) {
      set.push_back(&waiting_.Pop());
    } else {
      const bool alone = again_.front()->alone();
      if (alone && !set.empty()) break;
      set.push_back(again_.front());
      again_.pop_front();
      if (alone) break;
    }
    bytes += set.back()->claim().bytes;
  }
  return set;
}

void Joiner::BoardIfDue() {
  if (boarding_ || WaitingCalls() == 0) return;
  // Sets that hang, on a lock say, must not hold up what has nothing to do with them.
  const bool stuck = flying_ > 0 && absl::Now() - moved_at_ >= kStuck;
  const int allowed = stuck ? options_.max_flights : probing_ ? 0 : ProbeDue() ? 1 : Allowed();
  if (flying_ < allowed) {
    boarding_ = true;
    executor_.Continue(*this);
  } else if (!reminded_) {
    reminded_ = true;
    executor_.Remind(reminder_, absl::Now() + kStuck);
  }
}

int Joiner::Allowed() const {
  const double waiting_part = now_ > 0 ? kTolerance * alone_ / now_ : 1;
  if (waiting_part >= 1) return options_.max_flights;
  return std::clamp(static_cast<int>(std::lround(1 / (1 - waiting_part))), 1, options_.max_flights);
}

bool Joiner::ProbeDue() const { return now_ > 0 && absl::Now() >= next_probe_; }

void Joiner::NoteTime(double seconds, bool alone) {
  now_ += (seconds - now_) * (now_ > 0 ? kWeightNow : 1);
  if (!alone) return;
  // One that met with trouble says little of what is usual.
  const double usual = alone_ > 0 ? std::min(seconds, 2 * alone_) : seconds;
  alone_ += (usual - alone_) * (alone_ > 0 ? kWeightAlone : 1);
  next_probe_ = absl::Now() + kProbeInterval;
}

}  // namespace aquifer
