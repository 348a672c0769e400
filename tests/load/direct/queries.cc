#include "tests/load/direct/queries.h"

#include <absl/random/distributions.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "aquifer/v1/collection.pb.h"
#include "repositories/collection_row.h"

namespace aquifer::load {
namespace {

constexpr std::int64_t kRangeLines = 100;

std::int64_t Number(const Values& values, const std::string& name) {
  std::int64_t number = 0;
  const auto found = values.find(name);
  if (found != values.end() && absl::SimpleAtoi(found->second, &number)) return number;
  return 0;
}

Values DrawRead(const History& history, absl::BitGenRef random) {
  const auto n = absl::Uniform<std::int64_t>(absl::IntervalClosed, random, 1, history.lines);
  return {{"device", history.DeviceOf(n)}, {"second", absl::StrCat(history.SecondOf(n))}};
}

Values DrawSave(const History& history, absl::BitGenRef random) {
  const std::int64_t second =
      history.FirstSavedSecond() + absl::Uniform<std::int64_t>(random, 0, History::kDaySeconds);
  return {{"device", absl::StrCat(absl::Uniform<std::int64_t>(random, 0, history.devices))},
          {"second", absl::StrCat(second)},
          {"banknotes", absl::StrCat(absl::Uniform<std::int64_t>(random, 1, 500000))},
          {"coins", absl::StrCat(absl::Uniform<std::int64_t>(random, 0, 30000))}};
}

// Always the same line, and always a greater amount.
Values DrawHotSave(const History& history, absl::BitGenRef /*random*/) {
  static std::atomic<std::int64_t> amount{0};
  return {{"device", "0"},
          {"second", absl::StrCat(history.FirstSavedSecond())},
          {"banknotes", absl::StrCat(++amount)},
          {"coins", "0"}};
}

Values DrawRange(const History& history, absl::BitGenRef random) {
  const auto last = std::max<std::int64_t>(history.lines - kRangeLines + 1, 1);
  const auto n = absl::Uniform<std::int64_t>(absl::IntervalClosed, random, 1, last);
  const std::int64_t end = std::min(n + kRangeLines - 1, history.lines);
  return {{"first", absl::StrCat(history.SecondOf(n))},
          {"last", absl::StrCat(history.SecondOf(end))},
          {"lines", absl::StrCat(end - n + 1)}};
}

Values DrawSummary(const History& history, absl::BitGenRef random) {
  const std::int64_t days = history.lines * History::kStepSeconds / History::kDaySeconds;
  return {{"day", absl::StrCat(absl::Uniform<std::int64_t>(random, 0,
                                                           std::max<std::int64_t>(days - 1, 1)))}};
}

Values DrawHistory(const History& history, absl::BitGenRef /*random*/) {
  return {{"first", absl::StrCat(history.SecondOf(1))},
          {"last", absl::StrCat(history.SecondOf(history.lines))},
          {"lines", absl::StrCat(history.lines)}};
}

// Rows are made into the messages that Aquifer answers with: what a caller does with them.
std::string CheckLine(const pqxx::result& rows, const Values& values) {
  if (rows.size() != 1) return absl::StrCat(rows.size(), " rows came");
  v1::Collection line;
  CollectionFrom(Row(rows[0]), line);
  if (line.collected_at().seconds() != Number(values, "second") ||
      line.device_id() != values.at("device")) {
    return "another line came";
  }
  if (line.banknotes_minor() < Number(values, "banknotes")) return "the line has a lower amount";
  return "";
}

std::string CheckLines(const pqxx::result& rows, const Values& values) {
  if (static_cast<std::int64_t>(rows.size()) != Number(values, "lines")) {
    return absl::StrCat(rows.size(), " rows came");
  }
  v1::ListCollectionsResponse lines;
  for (const auto& row : rows) CollectionFrom(Row(row), *lines.add_collections());
  if (lines.collections(0).collected_at().seconds() != Number(values, "last")) {
    return "other lines came";
  }
  return "";
}

std::string CheckSums(const pqxx::result& rows, const Values& values) {
  std::int64_t lines = 0;
  for (const auto& row : rows) lines += row[1].as<std::int64_t>();
  if (lines == 0) return "no line was summed";
  if (values.count("lines") > 0 && lines != Number(values, "lines")) {
    return absl::StrCat(lines, " lines were summed");
  }
  return "";
}

constexpr Query kReads = {"reads", DrawRead, CheckLine};
constexpr Query kSaves = {"saves", DrawSave, CheckLine};
constexpr Query kHotSaves = {"saves", DrawHotSave, CheckLine};
constexpr Query kRanges = {"ranges", DrawRange, CheckLines};
constexpr Query kSummaries = {"summary", DrawSummary, CheckSums};
constexpr Query kHistories = {"history", DrawHistory, CheckSums};

}  // namespace

std::optional<QueryMix> QueriesOf(const std::string& workload) {
  if (workload == "reads") return QueryMix{{{&kReads, 100}}};
  if (workload == "saves") return QueryMix{{{&kSaves, 100}}};
  if (workload == "mixed") return QueryMix{{{&kReads, 80}, {&kSaves, 20}}};
  if (workload == "hot") return QueryMix{{{&kHotSaves, 100}}};
  if (workload == "ranges") return QueryMix{{{&kRanges, 100}}};
  if (workload == "summary") return QueryMix{{{&kSummaries, 100}}};
  if (workload == "history") return QueryMix{{{&kHistories, 100}}};
  return std::nullopt;
}

}  // namespace aquifer::load
