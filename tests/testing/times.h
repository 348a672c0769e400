// Days and instants that requests of tests are made of.
#pragma once

#include <absl/time/civil_time.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include <string>

#include "aquifer/v1/common.pb.h"

namespace aquifer::testing {

// Any numbers, also those of a day that does not exist.
inline v1::Day DayOf(int year, int month, int day) {
  v1::Day result;
  result.set_year(year);
  result.set_month(month);
  result.set_day(day);
  return result;
}

inline v1::Day DayOf(absl::CivilDay day) {
  return DayOf(static_cast<int>(day.year()), day.month(), day.day());
}

inline v1::DayRange DaysOf(const v1::Day& first, const v1::Day& last) {
  v1::DayRange range;
  *range.mutable_first() = first;
  *range.mutable_last() = last;
  return range;
}

// From RFC 3339, such as "2026-03-29T01:00:00Z".
inline google::protobuf::Timestamp InstantOf(const std::string& text) {
  google::protobuf::Timestamp instant;
  EXPECT_TRUE(google::protobuf::util::TimeUtil::FromString(text, &instant)) << text;
  return instant;
}

}  // namespace aquifer::testing
