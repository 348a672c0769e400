#include "client/cli/progress_line.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <ostream>

namespace aquifer::cli {
namespace {

// To the line's beginning, and nothing behind it.
constexpr char kRestart[] = "\r\033[K";

}  // namespace

ProgressLine::ProgressLine(std::ostream* out) : out_(out), begun_(absl::Now()) {}

ProgressLine::~ProgressLine() {
  if (out_ != nullptr && shown_ != absl::InfinitePast()) *out_ << kRestart << std::flush;
}

void ProgressLine::Show(std::int64_t lines, std::int64_t done, std::int64_t whole) {
  if (out_ == nullptr) return;
  const absl::Time now = absl::Now();
  if (now - shown_ < absl::Milliseconds(250)) return;
  shown_ = now;
  const double seconds = absl::ToDoubleSeconds(now - begun_);
  *out_ << kRestart << lines << " lines";
  if (whole > 0) *out_ << ", " << done * 100 / whole << " %";
  if (seconds >= 1) {
    *out_ << ", " << static_cast<std::int64_t>(static_cast<double>(lines) / seconds) << " a second";
  }
  *out_ << std::flush;
}

}  // namespace aquifer::cli
