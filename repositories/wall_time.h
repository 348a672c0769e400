// Wall-clock text, as the vendor writes it, checked before the database gives it an instant.
#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>

namespace aquifer {

// What is allowed, for the rejection of a text that ParseWallTime refuses.
inline constexpr absl::string_view kWallTimeAllowed =
    "must be a date and time that exist, such as 2026-03-28 14:05:09, in years 2000 to 2099";

// The text `YYYY-MM-DD HH:MM:SS` that `text` means, to cast with ::timestamp; a T may stand for
// the space. nullopt for any other form, a date or time of day that does not exist, or a year
// outside 2000 to 2099. Whether the fleet's clocks ever show it is the database's to say
// (aquifer.civil_instant).
std::optional<std::string> ParseWallTime(absl::string_view text);

}  // namespace aquifer
