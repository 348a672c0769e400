// Typed access to a row by column index, and the text forms that parameters are bound in.
//
// How values travel, both ways and in every statement:
//   money    bigint of minor units: SELECT (amount * 100)::bigint, and `$1::bigint / 100.0`
//            never as floating point;
//   instant  out as bigint microseconds since 1970 (AQUIFER_MICROS), in as text for ::timestamptz;
//   day      out and in as text 'YYYY-MM-DD', cast with ::date and ::text.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "aquifer/v1/common.pb.h"

// The SELECT expression of an instant column.
#define AQUIFER_MICROS(column) "(EXTRACT(EPOCH FROM " column ") * 1000000)::bigint"

namespace aquifer {

// A view of one row; valid while its result lives.
class Row {
 public:
  explicit Row(const pqxx::row& row) : row_(row) {}

  bool IsNull(int column) const { return row_[column].is_null(); }
  bool Bool(int column) const { return row_[column].as<bool>(); }
  std::int64_t Int(int column) const { return row_[column].as<std::int64_t>(); }
  double Real(int column) const { return row_[column].as<double>(); }
  std::string Text(int column) const;
  // The elements of a text[] without NULLs.
  std::vector<std::string> Texts(int column) const;
  google::protobuf::Timestamp Instant(int column) const;
  v1::Day Day(int column) const;

 private:
  pqxx::row row_;
};

// '2026-03-28T12:05:09.123456Z', for a parameter cast with ::timestamptz. The value was validated
// at the choke point (years 1 to 9999), finer parts than microseconds are cut off.
std::string InstantText(const google::protobuf::Timestamp& instant);

// '2026-03-28', for a parameter cast with ::date.
std::string DayText(const v1::Day& day);

}  // namespace aquifer
