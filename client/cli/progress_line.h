// A line on a terminal that tells how far something is.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <iosfwd>
#include <string>

namespace aquifer::cli {

// Silent unless somebody watches. Used by one thread.
class ProgressLine {
 public:
  // `out` is null if nobody watches.
  explicit ProgressLine(std::ostream* out);
  // Leaves nothing of the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Shows it at most four times a second. `whole` is 0 if it is not known.
  void Show(std::int64_t lines, std::int64_t done, std::int64_t whole);

 private:
  std::ostream* const out_;
  const absl::Time begun_;
  absl::Time shown_ = absl::InfinitePast();
};

}  // namespace aquifer::cli
