#include "server/database/consistency.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_format.h>
#include <absl/strings/strip.h>

#include <algorithm>

namespace aquifer {
namespace {

constexpr double kLeastStaleSeconds = 0.001;
constexpr double kMostStaleSeconds = 86400;

std::optional<std::uint64_t> ParseHalf(absl::string_view text) {
  std::uint32_t half = 0;
  const bool digits = std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
  if (text.empty() || text.size() > 8 || !digits || !absl::SimpleHexAtoi(text, &half)) {
    return std::nullopt;
  }
  return half;
}

}  // namespace

std::optional<WalPosition> ParseWalPosition(absl::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return std::nullopt;
  const auto high = ParseHalf(text.substr(0, slash));
  const auto low = ParseHalf(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return *high << 32 | *low;
}

std::string TextOf(WalPosition position) {
  return absl::StrFormat("%X/%X", position >> 32, position & 0xFFFFFFFF);
}

std::optional<Consistency> ParseConsistency(absl::string_view text) {
  using Kind = Consistency::Kind;
  if (text == "strong") return Consistency{};
  if (text == "any") return Consistency{.kind = Kind::kAny};
  if (absl::ConsumePrefix(&text, "at-least=")) {
    const auto position = ParseWalPosition(text);
    if (!position) return std::nullopt;
    return Consistency{.kind = Kind::kAtLeast, .position = *position};
  }
  double seconds = 0;
  const bool stale = absl::ConsumePrefix(&text, "stale=") && !text.empty() &&
                     absl::ascii_isdigit(text.front()) && absl::ascii_isdigit(text.back()) &&
                     absl::SimpleAtod(text, &seconds);
  if (!stale || seconds < kLeastStaleSeconds || seconds > kMostStaleSeconds) return std::nullopt;
  return Consistency{.kind = Kind::kStale, .staleness = absl::Seconds(seconds)};
}

}  // namespace aquifer
