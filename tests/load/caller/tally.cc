#include "tests/load/caller/tally.h"

#include <absl/strings/str_replace.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <numeric>

namespace aquifer::load {
namespace {

std::string JsonText(const std::string& text) {
  std::string escaped = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return escaped + "\"";
}

}  // namespace

void Tally::Succeeded(absl::Duration latency) {
  const std::int64_t us = absl::ToInt64Microseconds(latency);
  latencies_us_.push_back(static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(us, 0, std::numeric_limits<std::uint32_t>::max())));
}

void Tally::Failed(const std::string& why) {
  if (failures_++ == 0) first_failure_ = why;
}

void Tally::Add(const Tally& other) {
  latencies_us_.insert(latencies_us_.end(), other.latencies_us_.begin(), other.latencies_us_.end());
  if (first_failure_.empty()) first_failure_ = other.first_failure_;
  failures_ += other.failures_;
  refusals_ += other.refusals_;
}

double Tally::Percentile(double share) const {
  if (latencies_us_.empty()) return 0;
  const auto rank =
      static_cast<std::size_t>(std::ceil(share * static_cast<double>(latencies_us_.size())));
  return latencies_us_[std::max<std::size_t>(rank, 1) - 1];
}

void Tally::Print(absl::Duration elapsed, std::ostream& out) {
  std::sort(latencies_us_.begin(), latencies_us_.end());
  const double sum = std::accumulate(latencies_us_.begin(), latencies_us_.end(), 0.0);
  const auto count = static_cast<double>(latencies_us_.size());
  out << std::fixed << std::setprecision(1);
  out << "{\"calls\": " << latencies_us_.size() << ", \"failures\": " << failures_
      << ", \"refusals\": " << refusals_ << ", \"first_failure\": " << JsonText(first_failure_)
      << ", \"seconds\": " << std::setprecision(6) << absl::ToDoubleSeconds(elapsed)
      << std::setprecision(1) << ", \"latency_us\": {\"mean\": " << (count > 0 ? sum / count : 0)
      << ", \"p50\": " << Percentile(0.5) << ", \"p99\": " << Percentile(0.99)
      << ", \"p999\": " << Percentile(0.999) << "}}" << std::endl;
}

}  // namespace aquifer::load
