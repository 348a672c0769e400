// What the harness fills the database with, known to callers without asking: line n of the history,
// 1 to `lines`. The front (harness/history.py) makes the same lines in SQL.
#pragma once

#include <absl/strings/str_cat.h>

#include <cstdint>
#include <string>

namespace aquifer::load {

struct History {
  std::int64_t lines = 1000000;
  std::int64_t devices = 10000;

  static constexpr std::int64_t kFirstSecond = 1748736000;  // 2025-06-01 00:00:00 UTC
  static constexpr std::int64_t kStepSeconds = 26;
  static constexpr std::int64_t kDaySeconds = 86400;

  // A prime, so that lines that follow each other are of devices far apart.
  std::string DeviceOf(std::int64_t n) const { return absl::StrCat(n * 7919 % devices); }
  std::int64_t SecondOf(std::int64_t n) const { return kFirstSecond + n * kStepSeconds; }
  static std::int64_t BanknotesMinorOf(std::int64_t n) { return n % 5000 * 100; }
  static std::int64_t CoinsMinorOf(std::int64_t n) { return n % 300; }

  // What is saved lies on the day after the last line, as yesterday's fetch does.
  std::int64_t FirstSavedSecond() const { return SecondOf(lines) + 1; }
};

}  // namespace aquifer::load
