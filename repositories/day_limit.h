// How many civil days one request may look at, where each costs something.
#pragma once

#include <optional>

#include "aquifer/v1/common.pb.h"
#include "repositories/errors.h"

namespace aquifer {

inline constexpr int kMostDays = 400;

// What is wrong with a request's `days`, a checked range: it has more than kMostDays.
std::optional<FieldViolation> CheckDayCount(const v1::DayRange& days);

}  // namespace aquifer
