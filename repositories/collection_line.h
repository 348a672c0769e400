// A line as a caller sent it, checked and turned into what the database takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aquifer/v1/collection.pb.h"
#include "repositories/errors.h"

namespace aquifer {

// How a wall time is refused that the fleet's clocks skip in spring.
inline constexpr absl::string_view kWallTimeSkipped = "does not occur in the fleet's time zone";

// The parts of a line that needed parsing; its texts are taken from the line itself.
struct ParsedLine {
  // Exactly one of the two is set: the instant, for ::timestamptz, cut to the microseconds that
  // the database keeps; or the wall time, for ::timestamp and aquifer.civil_instant.
  std::optional<std::string> instant;
  std::optional<std::string> wall_time;
  std::int64_t banknotes_minor = 0;
  std::int64_t coins_minor = 0;

  // Nothing was taken, so there is nothing to store.
  bool IsZero() const { return banknotes_minor == 0 && coins_minor == 0; }
};

// Parses `line` and adds each refusal to `violations` with fields below `path`; what its field
// rules already refused there is not named twice. The result is whole only if `violations` is
// empty. Descriptions hold no values.
ParsedLine ParseLine(const v1::CollectionLine& line, const std::string& path,
                     std::vector<FieldViolation>& violations);

// What lines of one key, taken together, are sure to have stored (domain rule 2), whatever was
// there before them.
class MergedLines {
 public:
  void Merge(const v1::CollectionLine& line, const ParsedLine& parsed);
  // Whether `line` has anything to add to them.
  bool Gains(const v1::CollectionLine& line, const ParsedLine& parsed) const;

 private:
  std::int64_t banknotes_minor_ = 0;
  std::int64_t coins_minor_ = 0;
  bool collector_ = false, card_id_ = false, note_ = false, machine_ = false;
};

}  // namespace aquifer
