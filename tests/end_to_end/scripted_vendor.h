// The vendor of the scripted day: what its API would show of each device and day, and what the
// books should say in the end, computed without the server.
#pragma once

#include <absl/time/civil_time.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aquifer/v1/collection.pb.h"

namespace aquifer::testing {

// A line as the vendor shows it: a wall time of Kyiv without a zone, and amounts in kopiykas.
struct VendorLine {
  std::string device;
  absl::CivilSecond wall_time;
  std::int64_t notes = 0;
  std::int64_t coins = 0;
  std::string collector;
};

// The sums of some lines.
struct Books {
  std::int64_t lines = 0;
  std::int64_t visits = 0;
  std::int64_t notes = 0;
  std::int64_t coins = 0;

  std::int64_t total() const { return notes + coins; }
  bool operator==(const Books& other) const = default;
};

// Thirty days of 149 devices, the same at every run: some 15 visits a day, most of them a line of
// notes and one of coins 4 s later, some devices twice a day. The last day is the one on which
// clocks go forward, and one visit there spans the hour that is left out.
class ScriptedVendor {
 public:
  static constexpr int kDays = 30;

  ScriptedVendor();

  const std::vector<std::string>& devices() const { return devices_; }
  absl::CivilDay first_day() const { return first_day_; }
  absl::CivilDay last_day() const { return first_day_ + (kDays - 1); }
  // The raw texts that lines name collectors by, and the number of the collector each means.
  const std::map<std::string, int>& collectors() const { return collectors_; }

  // What a fetch of a device-day brings, in order.
  std::vector<VendorLine> Fetch(const std::string& device, absl::CivilDay day) const;
  // Every line of every device-day.
  const std::vector<VendorLine>& all() const { return lines_; }

 private:
  void AddVisit(const std::string& device, absl::CivilSecond at, int seed);

  const absl::CivilDay first_day_;
  std::vector<std::string> devices_;
  std::map<std::string, int> collectors_;
  std::vector<VendorLine> lines_;
};

// The line as a request sends it: texts as they came.
v1::CollectionLine ToMessage(const VendorLine& line);

// The books of the lines that `key` gives a key, by that key.
template <typename Key, typename KeyOf>
std::map<Key, Books> BooksBy(const std::vector<VendorLine>& lines, KeyOf key_of);

// Whether each line begins a visit: its device had none in the 120 s before.
std::vector<bool> BeginsVisit(const std::vector<VendorLine>& lines);

template <typename Key, typename KeyOf>
std::map<Key, Books> BooksBy(const std::vector<VendorLine>& lines, KeyOf key_of) {
  const std::vector<bool> begins_visit = BeginsVisit(lines);
  std::map<Key, Books> books;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    Books& sums = books[key_of(lines[i])];
    ++sums.lines;
    sums.visits += begins_visit[i];
    sums.notes += lines[i].notes;
    sums.coins += lines[i].coins;
  }
  return books;
}

}  // namespace aquifer::testing
