// A queue in which callers take turns: whoever has queued a thousand items waits behind its own
// thousand, and somebody else's first comes next.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <list>
#include <vector>

namespace aquifer {

// What an item brings along.
struct Claim {
  // Whose it is; a hash will do.
  std::uint64_t caller = 0;
  // From then on it is overdue.
  absl::Time until = absl::InfiniteFuture();
  // What it keeps in memory while it waits.
  std::size_t bytes = 0;
};

// Not thread-safe. Owns no items; they live for as long as they are queued.
template <typename T>
class FairQueue {
 public:
  void Push(T& item, const Claim& claim) {
    const auto [found, is_new] = by_caller_.try_emplace(claim.caller);
    if (is_new) {
      // A line keeps the memory it had, so that a call is queued without asking for any.
      if (spare_.empty()) spare_.emplace_back();
      lines_.splice(lines_.end(), spare_, spare_.begin());
      found->second = std::prev(lines_.end());
      found->second->caller = claim.caller;
    }
    found->second->items.push_back({&item, claim.until, claim.bytes});
    ++size_;
    bytes_ += claim.bytes;
  }

  // The first item of the caller whose turn it is; one is queued.
  T& Pop() {
    const auto line = lines_.begin();
    const Entry entry = line->items.front();
    line->items.pop_front();
    Forget(entry);
    if (line->items.empty()) {
      Remove(line);
    } else {
      lines_.splice(lines_.end(), lines_, line);
    }
    return *entry.item;
  }

  // Whether `item` was queued for this caller, and is no more.
  bool Remove(const T& item, std::uint64_t caller) {
    const auto found = by_caller_.find(caller);
    if (found == by_caller_.end()) return false;
    const auto line = found->second;
    const auto entry = std::find_if(line->items.begin(), line->items.end(),
                                    [&](const Entry& queued) { return queued.item == &item; });
    if (entry == line->items.end()) return false;
    Forget(*entry);
    line->items.erase(entry);
    if (line->items.empty()) Remove(line);
    return true;
  }

  // Adds every item that is overdue at `now` to `taken`, in no order worth a promise.
  void TakeOverdue(absl::Time now, std::vector<T*>& taken) {
    for (auto line = lines_.begin(); line != lines_.end();) {
      auto& items = line->items;
      const auto overdue = std::stable_partition(
          items.begin(), items.end(), [now](const Entry& entry) { return now < entry.until; });
      for (auto entry = overdue; entry != items.end(); ++entry) {
        Forget(*entry);
        taken.push_back(entry->item);
      }
      items.erase(overdue, items.end());
      line = items.empty() ? Remove(line) : std::next(line);
    }
  }

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return bytes_; }
  // How many items are this caller's.
  std::size_t SizeOf(std::uint64_t caller) const {
    const auto found = by_caller_.find(caller);
    return found == by_caller_.end() ? 0 : found->second->items.size();
  }
  // How many items come before the next one of this caller.
  std::size_t AheadOf(std::uint64_t caller) const {
    const std::size_t own = SizeOf(caller);
    std::size_t ahead = own;
    for (const Line& line : lines_) {
      if (line.caller != caller) ahead += std::min(line.items.size(), own + 1);
    }
    return ahead;
  }

 private:
  struct Entry {
    T* item;
    absl::Time until;
    std::size_t bytes;
  };
  // One caller's items, first come first served.
  struct Line {
    std::uint64_t caller = 0;
    std::deque<Entry> items;
  };
  using Lines = std::list<Line>;

  static constexpr std::size_t kMostSpare = 16;

  void Forget(const Entry& entry) {
    --size_;
    bytes_ -= entry.bytes;
  }

  // Removes a line that became empty; the one after it.
  typename Lines::iterator Remove(typename Lines::iterator line) {
    const auto next = std::next(line);
    by_caller_.erase(line->caller);
    if (spare_.size() < kMostSpare) {
      spare_.splice(spare_.end(), lines_, line);
    } else {
      lines_.erase(line);
    }
    return next;
  }

  // In the order of their turns.
  Lines lines_;
  Lines spare_;
  absl::flat_hash_map<std::uint64_t, typename Lines::iterator> by_caller_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace aquifer
