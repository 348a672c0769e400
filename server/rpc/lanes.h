// The two lanes of a queue, and what may wait in them.
//
// Whoever waits for an answer goes before bulk work; but every fourth turn is bulk work's if there
// is any, so that it moves on however many wait before it. Bulk work fills half of the queue at
// most, so that it never keeps the others out. Within a lane callers take turns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/rpc/fair_queue.h"

namespace aquifer {

enum class Lane { kInteractive, kBatch };

struct LaneBounds {
  // Items that may wait, and how much memory for them.
  int capacity = 1000;
  std::size_t max_bytes = std::size_t{64} * 1024 * 1024;
  // Which part of the capacity one caller may fill.
  double caller_share = 1;
};

// Not thread-safe. Owns no items; they live for as long as they are queued.
template <typename T>
class Lanes {
 public:
  explicit Lanes(const LaneBounds& bounds) : bounds_(bounds) {}

  // Whether an item may be queued; whoever was admitted before may go by it.
  bool HasRoom(Lane lane, const Claim& claim) const {
    const auto capacity = static_cast<std::size_t>(bounds_.capacity);
    const std::size_t own = interactive_.SizeOf(claim.caller) + batch_.SizeOf(claim.caller);
    const double share = std::max(1.0, bounds_.caller_share * bounds_.capacity);
    return size() < capacity && (lane != Lane::kBatch || batch_.size() < (capacity + 1) / 2) &&
           static_cast<double>(own) < share && bytes() + claim.bytes <= bounds_.max_bytes;
  }

  void Push(T& item, Lane lane, const Claim& claim) {
    (lane == Lane::kBatch ? batch_ : interactive_).Push(item, claim);
  }

  // The item whose turn it is; one is queued.
  T& Pop() {
    const bool batch = batch_.size() > 0 &&
                       (interactive_.size() == 0 || turns_without_batch_ >= kTurnsToBatch - 1);
    turns_without_batch_ = batch || batch_.size() == 0 ? 0 : turns_without_batch_ + 1;
    return (batch ? batch_ : interactive_).Pop();
  }

  // Whether `item`, pushed with these, was still queued, and is no more.
  bool Remove(const T& item, Lane lane, const Claim& claim) {
    return (lane == Lane::kBatch ? batch_ : interactive_).Remove(item, claim.caller);
  }

  // Adds every item that is overdue at `now` to `taken`.
  void TakeOverdue(absl::Time now, std::vector<T*>& taken) {
    interactive_.TakeOverdue(now, taken);
    batch_.TakeOverdue(now, taken);
  }

  // How many items come before the next one of this caller: bulk work waits for all; others for
  // their own, and for the turns that bulk work gets meanwhile.
  std::size_t AheadOf(Lane lane, std::uint64_t caller) const {
    if (lane == Lane::kBatch) return interactive_.size() + batch_.AheadOf(caller);
    const std::size_t own = interactive_.AheadOf(caller);
    return own + std::min(batch_.size(), own / (kTurnsToBatch - 1));
  }

  std::size_t size() const { return interactive_.size() + batch_.size(); }
  std::size_t bytes() const { return interactive_.bytes() + batch_.bytes(); }

 private:
  // Bulk work gets at least one turn in this many.
  static constexpr int kTurnsToBatch = 4;

  const LaneBounds bounds_;
  FairQueue<T> interactive_;
  FairQueue<T> batch_;
  // Turns since bulk work had one while some waited.
  int turns_without_batch_ = 0;
};

}  // namespace aquifer
