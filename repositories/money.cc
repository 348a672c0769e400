#include "repositories/money.h"

#include <absl/strings/ascii.h>

namespace aquifer {
namespace {

// numeric(12, 2) has ten digits before the point, so the sum below cannot overflow.
constexpr std::size_t kMaxWholeDigits = 10;
constexpr std::size_t kMaxFractionDigits = 2;

}  // namespace

std::optional<std::int64_t> ParseMoney(absl::string_view text) {
  const std::size_t point = text.find('.');
  const absl::string_view whole = text.substr(0, point);
  if (whole.empty() || whole.size() > kMaxWholeDigits) return std::nullopt;
  absl::string_view fraction;
  if (point != absl::string_view::npos) {
    fraction = text.substr(point + 1);
    if (fraction.empty() || fraction.size() > kMaxFractionDigits) return std::nullopt;
  }
  std::int64_t minor = 0;
  for (absl::string_view digits : {whole, fraction}) {
    for (char c : digits) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
      minor = minor * 10 + (c - '0');
    }
  }
  for (std::size_t i = fraction.size(); i < kMaxFractionDigits; ++i) minor *= 10;
  return minor;
}

}  // namespace aquifer
