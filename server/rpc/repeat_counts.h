// Counts what becomes of the writes that carry a request_id.
#pragma once

#include <absl/status/status.h>

#include <atomic>
#include <cstdint>

namespace aquifer {

struct RepeatFigures {
  // First answers kept.
  std::int64_t kept = 0;
  // Repeats that got a first answer.
  std::int64_t replayed = 0;
  // Calls refused because their id was used for something else.
  std::int64_t refused = 0;
};

// Thread-safe.
class RepeatCounts {
 public:
  // Notes how a write with a request_id ended.
  void Count(const absl::Status& status, bool replayed);
  RepeatFigures Figures() const { return {kept_, replayed_, refused_}; }

 private:
  std::atomic<std::int64_t> kept_ = 0;
  std::atomic<std::int64_t> replayed_ = 0;
  std::atomic<std::int64_t> refused_ = 0;
};

}  // namespace aquifer
