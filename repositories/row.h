// Typed access to a row by column index, and the text forms that parameters are bound in.
//
// How values travel, both ways and in every statement:
//   money    out as it is stored, or summed as bigint: (amount * 100)::bigint; in as bigint of
//            minor units, `$1::bigint / 100.0`; never as floating point;
//   instant  out as it is stored, in as text for ::timestamptz;
//   day      out and in as text 'YYYY-MM-DD', cast with ::date and ::text; out also as the day of
//            an instant, which is the session's.
#pragma once

#include <absl/strings/string_view.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "aquifer/v1/common.pb.h"

namespace aquifer {

// A view of one row; valid while its result lives. Used by one thread: it keeps its place.
class Row {
 public:
  explicit Row(const pqxx::row& row) : field_(row.begin()) {}

  bool IsNull(int column) const { return At(column).is_null(); }
  bool Bool(int column) const { return At(column).as<bool>(); }
  std::int64_t Int(int column) const;
  double Real(int column) const { return At(column).as<double>(); }
  std::string Text(int column) const;
  // The elements of a text[] without NULLs.
  std::vector<std::string> Texts(int column) const;
  // A numeric of two digits after its point, in minor units.
  std::int64_t Money(int column) const;
  // A timestamptz, in whatever zone the session shows it.
  google::protobuf::Timestamp Instant(int column) const;
  // A date, or a timestamptz's.
  v1::Day Day(int column) const;

 private:
  // Moved rather than made anew for each column, as a field shares in its result by a count.
  const pqxx::field& At(int column) const {
    field_ += column - column_;
    column_ = column;
    return field_;
  }
  // What PostgreSQL wrote of the value.
  absl::string_view View(int column) const {
    const pqxx::field& field = At(column);
    return {field.c_str(), field.size()};
  }

  mutable pqxx::const_row_iterator field_;
  mutable int column_ = 0;
};

// '2026-03-28T12:05:09.123456Z', for a parameter cast with ::timestamptz. The value was validated
// at the choke point (years 1 to 9999), finer parts than microseconds are cut off.
std::string InstantText(const google::protobuf::Timestamp& instant);

// '2026-03-28', for a parameter cast with ::date.
std::string DayText(const v1::Day& day);

}  // namespace aquifer
