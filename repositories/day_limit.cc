#include "repositories/day_limit.h"

#include <absl/strings/str_cat.h>
#include <absl/time/civil_time.h>

namespace aquifer {

std::optional<FieldViolation> CheckDayCount(const v1::DayRange& days) {
  const auto civil = [](const v1::Day& day) {
    return absl::CivilDay(day.year(), day.month(), day.day());
  };
  if (civil(days.last()) - civil(days.first()) < kMostDays) return std::nullopt;
  return FieldViolation{"days", absl::StrCat("must have at most ", kMostDays, " days")};
}

}  // namespace aquifer
