// What came of the calls of a run. Not thread-safe: each thread has its own and they are added up.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace aquifer::load {

class Tally {
 public:
  // A call that was answered, rightly.
  void Succeeded(absl::Duration latency);
  // A call that failed, or whose answer is wrong.
  void Failed(const std::string& why);
  // A call that was told to come again later.
  void Refused() { ++refusals_; }

  void Add(const Tally& other);

  // One line of JSON. Percentiles are exact: every latency is kept.
  void Print(absl::Duration elapsed, std::ostream& out);

 private:
  double Percentile(double share) const;

  std::vector<std::uint32_t> latencies_us_;
  std::int64_t failures_ = 0;
  std::int64_t refusals_ = 0;
  std::string first_failure_;
};

}  // namespace aquifer::load
