// Summaries of random lines against a model in plain C++, with its own zone rules.
#include <absl/strings/str_cat.h>
#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "repositories/collection_summary_sql.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/stored_lines.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using google::protobuf::util::TimeUtil;
using testing::DayOf;
using testing::DaysOf;
using Request = v1::SummarizeCollectionsRequest;
using Response = v1::SummarizeCollectionsResponse;

absl::TimeZone Kyiv() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/Kyiv", &zone));
  return zone;
}

absl::CivilDay CivilOf(const v1::Day& day) {
  return absl::CivilDay(day.year(), day.month(), day.day());
}

absl::CivilDay DayAt(std::int64_t second) {
  return absl::CivilDay(absl::ToCivilSecond(absl::FromUnixSeconds(second), Kyiv()));
}

struct Line {
  std::string device;
  std::int64_t second;
  std::int64_t notes;
  std::int64_t coins;
  std::string collector;
  absl::CivilDay day;
  bool begins_visit = true;
};

// Texts and the workers they mean; "C" and no text at all mean none.
const std::map<std::string, std::int64_t>& Workers() {
  static const std::map<std::string, std::int64_t> workers = {
      {"A", 1}, {"A again", 1}, {"B", 2}, {"B again", 2}};
  return workers;
}

// A collector as summaries know one: worker before text, by number and by bytes.
std::pair<std::int64_t, std::string> CollectorOf(const Line& line) {
  const auto worker = Workers().find(line.collector);
  if (worker != Workers().end()) return {worker->second, ""};
  return {std::numeric_limits<std::int64_t>::max(), line.collector};
}

bool Selects(const v1::CollectionFilter& filter, const Line& line) {
  const auto has = [](const auto& list, const auto& value) {
    return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
  };
  if (filter.has_days() &&
      (line.day < CivilOf(filter.days().first()) || line.day > CivilOf(filter.days().last()))) {
    return false;
  }
  if (filter.has_instants() && (line.second < filter.instants().start().seconds() ||
                                line.second >= filter.instants().end().seconds())) {
    return false;
  }
  const std::int64_t total = line.notes + line.coins;
  return has(filter.device_ids(), line.device) && has(filter.collectors(), line.collector) &&
         has(filter.worker_ids(), CollectorOf(line).first) &&
         (!filter.has_min_total_minor() || total >= filter.min_total_minor()) &&
         (!filter.has_max_total_minor() || total <= filter.max_total_minor());
}

struct Sums {
  v1::CollectionSummary summary;
  std::set<std::string> devices;
  std::set<std::pair<std::int64_t, std::string>> collectors;

  void Add(const Line& line) {
    summary.set_lines(summary.lines() + 1);
    summary.set_visits(summary.visits() + line.begins_visit);
    summary.set_banknotes_minor(summary.banknotes_minor() + line.notes);
    summary.set_coins_minor(summary.coins_minor() + line.coins);
    summary.set_total_minor(summary.banknotes_minor() + summary.coins_minor());
    const auto at = TimeUtil::SecondsToTimestamp(line.second);
    if (!summary.has_first_at() || line.second < summary.first_at().seconds()) {
      *summary.mutable_first_at() = at;
    }
    if (!summary.has_last_at() || line.second > summary.last_at().seconds()) {
      *summary.mutable_last_at() = at;
    }
    devices.insert(line.device);
    if (!line.collector.empty()) collectors.insert(CollectorOf(line));
  }

  v1::CollectionSummary Finish() {
    summary.set_devices(static_cast<std::int64_t>(devices.size()));
    summary.set_collectors(static_cast<std::int64_t>(collectors.size()));
    if (summary.lines() > 0) {
      const std::int64_t whole = summary.total_minor() / summary.lines();
      const std::int64_t rest = summary.total_minor() % summary.lines();
      summary.set_average_line_minor(whole + (2 * rest >= summary.lines() ? 1 : 0));
    }
    return summary;
  }
};

absl::CivilDay PeriodOf(absl::CivilDay day, v1::Grouping unit) {
  switch (unit) {
    case v1::GROUPING_WEEK:
      return absl::PrevWeekday(day + 1, absl::Weekday::monday);
    case v1::GROUPING_MONTH:
      return absl::CivilDay(absl::CivilMonth(day));
    default:
      return day;
  }
}

Response Expected(const std::vector<Line>& lines, const Request& request) {
  using Key = std::tuple<absl::CivilDay, std::string, std::int64_t, std::string>;
  std::map<Key, Sums> groups;
  Sums total;
  for (const Line& line : lines) {
    if (!Selects(request.filter(), line)) continue;
    total.Add(line);
    if (request.group_by().empty()) continue;
    Key key;
    v1::CollectionSummary names;
    for (const int grouping : request.group_by()) {
      if (grouping == v1::GROUPING_DEVICE) {
        std::get<1>(key) = line.device;
        names.set_device_id(line.device);
      } else if (grouping == v1::GROUPING_COLLECTOR) {
        std::tie(std::get<2>(key), std::get<3>(key)) = CollectorOf(line);
        const bool mapped = Workers().count(line.collector) > 0;
        names.mutable_collector()->set_text(mapped ? "" : line.collector);
        if (mapped) {
          names.mutable_collector()->set_worker_id(std::get<2>(key));
          names.mutable_collector()->set_worker_name(
              absl::StrCat("worker ", names.collector().worker_id()));
        }
      } else {
        std::get<0>(key) = PeriodOf(line.day, static_cast<v1::Grouping>(grouping));
        *names.mutable_period_start() = DayOf(std::get<0>(key));
      }
    }
    Sums& group = groups[key];
    if (group.devices.empty()) group.summary = names;
    group.Add(line);
  }

  std::vector<v1::CollectionSummary> ordered;
  for (auto& [key, group] : groups) ordered.push_back(group.Finish());
  if (request.order() == v1::SUMMARY_ORDER_TOTAL) {
    std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
      return a.total_minor() > b.total_minor();
    });
  }
  const std::size_t limit = request.limit() == 0 ? 1000 : request.limit();
  Response response;
  for (std::size_t i = 0; i < std::min(limit, ordered.size()); ++i) {
    *response.add_groups() = ordered[i];
  }
  response.set_groups_left_out(static_cast<std::int64_t>(ordered.size()) - response.groups_size());
  *response.mutable_total() = total.Finish();
  return response;
}

class SummariesModelTest : public testing::CollectionsTest {
 protected:
  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  template <typename T>
  const T& OneOf(const std::vector<T>& values) {
    return values[Pick(static_cast<int>(values.size()))];
  }

  // Walks of a few devices through the change-overs and the year's end, in steps about a visit's
  // gap or about a night.
  void MakeLines() {
    const absl::TimeZone zone = Kyiv();
    for (int device = 0; device < 5; ++device) {
      for (const char* start : {"2025-03-29", "2025-10-25", "2024-12-28"}) {
        absl::CivilDay day;
        ASSERT_TRUE(absl::ParseCivilTime(start, &day));
        std::int64_t second = absl::ToUnixSeconds(absl::FromCivil(day, zone)) + Pick(40000);
        for (int i = 0; i < 24; ++i) {
          lines_.push_back({absl::StrCat("device ", device), second, Pick(4) * 1000 + Pick(3),
                            Pick(3) * 50, OneOf<std::string>({"A", "A again", "B", "C", ""}),
                            DayAt(second)});
          second += OneOf<std::int64_t>({1, 4, 119, 120, 121, 300, 7000, 30000});
        }
      }
    }
    FindVisits();
  }

  // Of each device, whether a line begins a visit.
  void FindVisits() {
    std::sort(lines_.begin(), lines_.end(), [](const Line& a, const Line& b) {
      return std::tie(a.device, a.second) < std::tie(b.device, b.second);
    });
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      lines_[i].begins_visit = i == 0 || lines_[i].device != lines_[i - 1].device ||
                               lines_[i].second - lines_[i - 1].second > 120;
    }
  }

  void StoreLines(const std::vector<Line>& lines) {
    std::string values;
    for (const Line& line : lines) {
      absl::StrAppend(&values, values.empty() ? "" : ",", "('", line.device, "',to_timestamp(",
                      line.second, "),", line.notes, "/100.0,", line.coins, "/100.0,'",
                      line.collector, "')");
    }
    database_.Execute(
        "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins, collector) "
        "VALUES " +
        values);
  }

  void MapCollectors() {
    database_.Execute(
        "INSERT INTO aquifer.workers (name) VALUES ('worker 1'), ('worker 2');"
        "INSERT INTO aquifer.collector_aliases (collector, worker_id) "
        "VALUES ('A', 1), ('A again', 1), ('B', 2), ('B again', 2)");
  }

  // A day without lines, one with some left, and lines of a device and of collectors not seen
  // before.
  void ChangeLines() {
    const absl::CivilDay emptied = OneOf(lines_).day, thinned = OneOf(lines_).day;
    std::vector<Line> kept, added;
    for (const Line& line : lines_) {
      if (line.day != emptied && (line.day != thinned || Pick(2) == 0)) kept.push_back(line);
    }
    const std::int64_t second = OneOf(kept).second;
    for (const char* collector : {"D", "B again", "D"}) {
      const std::int64_t at = second + 100 * static_cast<int>(added.size());
      added.push_back({"device of late", at, 700, 20, collector, DayAt(at)});
    }
    for (const absl::CivilDay day : {emptied, thinned}) {
      database_.Execute(absl::StrCat("DELETE FROM aquifer.collections WHERE collected_at::date = '",
                                     absl::FormatCivilTime(day), "'"));
    }
    std::vector<Line> again;
    for (const Line& line : kept) {
      if (line.day == thinned) again.push_back(line);
    }
    if (!again.empty()) StoreLines(again);
    StoreLines(added);
    lines_ = kept;
    lines_.insert(lines_.end(), added.begin(), added.end());
    FindVisits();
  }

  v1::CollectionFilter RandomFilter() {
    v1::CollectionFilter filter;
    if (Pick(2) == 0) {
      // Where one line is, or just after: ranges that begin within a visit.
      const std::int64_t start = OneOf(lines_).second + Pick(2);
      filter.mutable_instants()->mutable_start()->set_seconds(start);
      filter.mutable_instants()->mutable_end()->set_seconds(start + 1 + Pick(2) * Pick(9000000));
    } else if (Pick(2) == 0) {
      const absl::CivilDay first = OneOf(lines_).day;
      *filter.mutable_days() = DaysOf(DayOf(first), DayOf(first + Pick(5)));
    }
    for (int i = Pick(4); i > 2; --i) filter.add_device_ids(OneOf(lines_).device);
    for (int i = Pick(5); i > 2; --i) filter.add_collectors(OneOf(lines_).collector);
    if (Pick(5) == 0) filter.add_worker_ids(1 + Pick(2));
    if (Pick(5) == 0) filter.set_min_total_minor(Pick(2000));
    if (Pick(5) == 0) filter.set_max_total_minor(Pick(4000));
    return filter;
  }

  // Compares every grouping of many filters.
  void CompareAll();

  bool RollupServes() {
    return *InTransaction([](Session& session) -> absl::StatusOr<bool> {
      return session.Run(kRollupServes, nullptr, nullptr)[0][0].as<bool>();
    });
  }

  std::mt19937 random_{20260328};
  std::vector<Line> lines_;
};

void SummariesModelTest::CompareAll() {
  const std::vector<std::vector<v1::Grouping>> groupings = {
      {},
      {v1::GROUPING_DAY},
      {v1::GROUPING_WEEK},
      {v1::GROUPING_MONTH},
      {v1::GROUPING_DEVICE},
      {v1::GROUPING_COLLECTOR},
      {v1::GROUPING_DAY, v1::GROUPING_DEVICE},
      {v1::GROUPING_DEVICE, v1::GROUPING_WEEK},
      {v1::GROUPING_MONTH, v1::GROUPING_DEVICE},
      {v1::GROUPING_DAY, v1::GROUPING_COLLECTOR},
      {v1::GROUPING_COLLECTOR, v1::GROUPING_WEEK},
      {v1::GROUPING_MONTH, v1::GROUPING_COLLECTOR},
      {v1::GROUPING_COLLECTOR, v1::GROUPING_DEVICE}};
  for (int round = 0; round < 40; ++round) {
    Request request;
    if (round > 0) *request.mutable_filter() = RandomFilter();
    request.set_order(OneOf<v1::SummaryOrder>({v1::SUMMARY_ORDER_KEY, v1::SUMMARY_ORDER_TOTAL}));
    request.set_limit(OneOf<int>({0, 1, 7}));
    for (const auto& grouping : groupings) {
      request.clear_group_by();
      for (const auto by : grouping) request.add_group_by(by);

      const auto response = Call(&CollectionRepository::SummarizeCollections, request);

      ASSERT_TRUE(response.ok()) << response.status();
      ASSERT_EQ(response->DebugString(), Expected(lines_, request).DebugString())
          << request.DebugString();
    }
  }
}

TEST_F(SummariesModelTest, EveryGroupingSumsWhatTheModelSums) {
  MakeLines();
  StoreLines(lines_);
  MapCollectors();
  database_.Execute(
      "INSERT INTO aquifer.rollup_changes (hour) "
      "SELECT timestamptz '2020-01-01' + n * interval '1 day' FROM generate_series(1, 8) AS n");

  ASSERT_FALSE(RollupServes());
  CompareAll();
}

TEST_F(SummariesModelTest, TheRollupSumsTheSame) {
  MakeLines();
  StoreLines(lines_);
  MapCollectors();

  SumDays(database_);

  ASSERT_TRUE(RollupServes());
  CompareAll();
}

// A device and collectors that no sum knows, visits that begin and end where others did, a day that
// has no lines left.
TEST_F(SummariesModelTest, TheRollupAndTheLinesOfChangedDaysSumTheSame) {
  MakeLines();
  StoreLines(lines_);
  MapCollectors();
  SumDays(database_);

  ChangeLines();

  ASSERT_TRUE(RollupServes());
  CompareAll();
  SumDays(database_);
  CompareAll();
}

}  // namespace
}  // namespace aquifer
