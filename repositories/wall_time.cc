#include "repositories/wall_time.h"

#include <absl/strings/ascii.h>
#include <absl/time/civil_time.h>

namespace aquifer {
namespace {

// 0 stands for a digit; every other character stands for itself.
constexpr absl::string_view kForm = "0000-00-00 00:00:00";
constexpr std::size_t kSpace = 10;

bool HasForm(absl::string_view text) {
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool fits = kForm[i] == '0' ? absl::ascii_isdigit(static_cast<unsigned char>(text[i]))
                                      : text[i] == kForm[i];
    if (!fits && !(i == kSpace && text[i] == 'T')) return false;
  }
  return true;
}

int Number(absl::string_view digits) {
  int number = 0;
  for (char c : digits) number = number * 10 + (c - '0');
  return number;
}

}  // namespace

std::optional<std::string> ParseWallTime(absl::string_view text) {
  if (!HasForm(text)) return std::nullopt;
  const int year = Number(text.substr(0, 4));
  const int month = Number(text.substr(5, 2));
  const int day = Number(text.substr(8, 2));
  if (year < 2000 || year > 2099) return std::nullopt;
  // A civil day normalises what does not exist, so it would come back different.
  const absl::CivilDay civil(year, month, day);
  if (civil.month() != month || civil.day() != day) return std::nullopt;
  if (Number(text.substr(11, 2)) > 23 || Number(text.substr(14, 2)) > 59 ||
      Number(text.substr(17, 2)) > 59) {
    return std::nullopt;
  }
  std::string wall(text);
  wall[kSpace] = ' ';
  return wall;
}

}  // namespace aquifer
