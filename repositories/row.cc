#include "repositories/row.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <charconv>
#include <system_error>
#include <utility>

namespace aquifer {

std::int64_t Row::Int(int column) const {
  const absl::string_view text = View(column);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw pqxx::conversion_error(absl::StrCat("not a bigint: column ", column));
  }
  return value;
}

std::string Row::Text(int column) const { return std::string(View(column)); }

std::vector<std::string> Row::Texts(int column) const {
  std::vector<std::string> texts;
  pqxx::array_parser elements = At(column).as_array();
  for (auto next = elements.get_next(); next.first != pqxx::array_parser::juncture::done;
       next = elements.get_next()) {
    if (next.first == pqxx::array_parser::juncture::string_value) {
      texts.push_back(std::move(next.second));
    }
  }
  return texts;
}

google::protobuf::Timestamp Row::Instant(int column) const {
  std::int64_t micros = Int(column);
  std::int64_t seconds = micros / 1000000;
  std::int64_t rest = micros % 1000000;
  if (rest < 0) {
    rest += 1000000;
    --seconds;
  }
  google::protobuf::Timestamp instant;
  instant.set_seconds(seconds);
  instant.set_nanos(static_cast<std::int32_t>(rest * 1000));
  return instant;
}

v1::Day Row::Day(int column) const {
  // The text is the database's own 'YYYY-MM-DD'.
  const absl::string_view text = View(column);
  int year = 0, month = 0, day = 0;
  if (text.size() != 10 || !absl::SimpleAtoi(text.substr(0, 4), &year) ||
      !absl::SimpleAtoi(text.substr(5, 2), &month) || !absl::SimpleAtoi(text.substr(8, 2), &day)) {
    throw pqxx::conversion_error("not a day: " + std::string(text));
  }
  v1::Day result;
  result.set_year(year);
  result.set_month(month);
  result.set_day(day);
  return result;
}

std::string InstantText(const google::protobuf::Timestamp& instant) {
  const absl::CivilSecond second =
      absl::ToCivilSecond(absl::FromUnixSeconds(instant.seconds()), absl::UTCTimeZone());
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", second.year(), second.month(),
                         second.day(), second.hour(), second.minute(), second.second(),
                         instant.nanos() / 1000);
}

std::string DayText(const v1::Day& day) {
  return absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day());
}

}  // namespace aquifer
