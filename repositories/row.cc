#include "repositories/row.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/strip.h>
#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <charconv>
#include <system_error>
#include <utility>

namespace aquifer {
namespace {

// Reads a value's text from its beginning; throws where it is not what PostgreSQL writes.
class Reader {
 public:
  explicit Reader(absl::string_view text)
      : text_(text), before_christ_(absl::ConsumeSuffix(&text_, " BC")) {}

  bool Take(char wanted) { return absl::ConsumePrefix(&text_, absl::string_view(&wanted, 1)); }
  void Want(char wanted) {
    if (!Take(wanted)) Fail();
  }
  void WantEnd() const {
    if (!text_.empty()) Fail();
  }

  // Of one digit or more.
  std::int64_t Number() {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.begin(), text_.end(), value);
    if (error != std::errc() || text_.front() == '-') Fail();
    text_.remove_prefix(end - text_.begin());
    return value;
  }

  // Of exactly so many digits.
  std::int64_t Digits(std::size_t count) {
    const std::size_t before = text_.size();
    const std::int64_t value = Number();
    if (before - text_.size() != count) Fail();
    return value;
  }

  // "123456", without zeros at its end.
  std::int64_t Micros() {
    const std::size_t before = text_.size();
    std::int64_t value = Number();
    for (std::size_t digits = before - text_.size(); digits < 6; ++digits) value *= 10;
    return value;
  }

  // "14:05:09", or only the first one or two of the three.
  std::int64_t Seconds() {
    std::int64_t seconds = Digits(2) * 3600;
    if (Take(':')) seconds += Digits(2) * 60;
    if (Take(':')) seconds += Digits(2);
    return seconds;
  }

  // "2026-03-28"; the year before 1 is the 0th.
  absl::CivilDay Day() {
    const std::int64_t year = Number();
    Want('-');
    const std::int64_t month = Digits(2);
    Want('-');
    const std::int64_t day = Digits(2);
    return absl::CivilDay(before_christ_ ? 1 - year : year, month, day);
  }

 private:
  // Without the text: it may be personal.
  [[noreturn]] static void Fail() {
    throw pqxx::conversion_error("a value is not written as PostgreSQL writes it");
  }

  absl::string_view text_;
  const bool before_christ_;
};

}  // namespace

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

std::int64_t Row::Money(int column) const {
  Reader text(View(column));
  const bool negative = text.Take('-');
  const std::int64_t whole = text.Number();
  text.Want('.');
  const std::int64_t minor = whole * 100 + text.Digits(2);
  text.WantEnd();
  return negative ? -minor : minor;
}

google::protobuf::Timestamp Row::Instant(int column) const {
  // 2026-03-28 14:05:09.123456+02
  Reader text(View(column));
  const absl::CivilDay day = text.Day();
  text.Want(' ');
  const std::int64_t in_day = text.Seconds();
  const std::int64_t micros = text.Take('.') ? text.Micros() : 0;
  const bool west = text.Take('-');
  if (!west) text.Want('+');
  const std::int64_t offset = text.Seconds();
  text.WantEnd();
  google::protobuf::Timestamp instant;
  instant.set_seconds((day - absl::CivilDay()) * 86400 + in_day + (west ? offset : -offset));
  instant.set_nanos(static_cast<std::int32_t>(micros * 1000));
  return instant;
}

v1::Day Row::Day(int column) const {
  const absl::CivilDay day = Reader(View(column)).Day();
  v1::Day result;
  result.set_year(static_cast<std::int32_t>(day.year()));
  result.set_month(day.month());
  result.set_day(day.day());
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
