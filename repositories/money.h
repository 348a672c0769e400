// Decimal money text, as the vendor writes it, to kopiykas.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>

namespace aquifer {

// The most that a numeric(12, 2) column holds, in kopiykas.
inline constexpr std::int64_t kMaxMoneyMinor = 999999999999;

// What is allowed, for the rejection of a text that ParseMoney refuses.
inline constexpr absl::string_view kMoneyTextAllowed =
    "must be digits, with at most two more after a point, and at most 9999999999.99";

// "1520" is 152000 kopiykas, "1520.5" and "1520.50" are 152050. Strict: one to ten digits, then
// perhaps a point and one or two digits; no sign, space, exponent or separator. nullopt for
// anything else: a text is never repaired.
std::optional<std::int64_t> ParseMoney(absl::string_view text);

}  // namespace aquifer
