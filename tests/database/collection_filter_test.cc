#include "repositories/collection_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "tests/testing/collections_test.h"
#include "tests/testing/stored_lines.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::DaysOf;
using ::testing::ElementsAre;
using testing::InsertAlias;
using testing::InsertLine;
using testing::InsertWorker;
using testing::InstantOf;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// So many that they are not looked up one by one.
v1::CollectionFilter ManyDevices() {
  v1::CollectionFilter filter;
  for (int n = 0; n < 999; ++n) filter.add_device_ids("absent-" + std::to_string(n));
  return filter;
}

TEST(AccessPathTest, FollowsWhatTheFilterNames) {
  v1::CollectionFilter days, total, device, collector, worker, device_and_collector;
  *days.mutable_days() = DaysOf(DayOf(2026, 3, 1), DayOf(2026, 3, 31));
  total.set_min_total_minor(1);
  device.add_device_ids("7");
  collector.add_collectors("Petro");
  worker.add_worker_ids(1);
  device_and_collector.add_device_ids("7");
  device_and_collector.add_collectors("Petro");

  EXPECT_EQ(AccessPathOf({}), AccessPath::kTimeAlone);
  EXPECT_EQ(AccessPathOf(days), AccessPath::kTimeAlone);
  EXPECT_EQ(AccessPathOf(total), AccessPath::kTime);
  EXPECT_EQ(AccessPathOf(device), AccessPath::kDevice);
  EXPECT_EQ(AccessPathOf(collector), AccessPath::kCollector);
  EXPECT_EQ(AccessPathOf(worker), AccessPath::kCollector);
  EXPECT_EQ(AccessPathOf(device_and_collector), AccessPath::kDevice);
}

TEST(AccessPathTest, PassesAlongTimeForMoreThanCanBeLookedUp) {
  EXPECT_EQ(AccessPathOf(ManyDevices(), 51), AccessPath::kDevice);
  EXPECT_EQ(AccessPathOf(ManyDevices(), 1001), AccessPath::kTime);
}

class CollectionFilterTest : public testing::CollectionsTest {
 protected:
  std::vector<v1::Collection> List(const v1::CollectionFilter& filter,
                                   v1::CollectionOrder order = v1::COLLECTION_ORDER_OLDEST_FIRST) {
    v1::ListCollectionsRequest request;
    *request.mutable_filter() = filter;
    request.set_order(order);
    request.set_page_size(1000);
    const auto page = Call(&CollectionRepository::ListCollections, request);
    EXPECT_TRUE(page.ok()) << page.status();
    return {page->collections().begin(), page->collections().end()};
  }

  std::vector<std::int64_t> Ids(const v1::CollectionFilter& filter,
                                v1::CollectionOrder order = v1::COLLECTION_ORDER_OLDEST_FIRST) {
    std::vector<std::int64_t> ids;
    for (const auto& line : List(filter, order)) ids.push_back(line.id());
    return ids;
  }
};

TEST_F(CollectionFilterTest, InstantsAreHalfOpen) {
  InsertLine(database_, {.collected_at = "2026-03-10T09:59:59.999999Z"});
  const auto first = InsertLine(database_, {.collected_at = "2026-03-10T10:00:00Z"});
  const auto last = InsertLine(database_, {.collected_at = "2026-03-10T10:59:59.999999Z"});
  InsertLine(database_, {.collected_at = "2026-03-10T11:00:00Z"});
  v1::CollectionFilter filter;
  *filter.mutable_instants()->mutable_start() = InstantOf("2026-03-10T10:00:00Z");
  *filter.mutable_instants()->mutable_end() = InstantOf("2026-03-10T11:00:00Z");

  EXPECT_THAT(Ids(filter), ElementsAre(first, last));
  EXPECT_THAT(Ids(filter, v1::COLLECTION_ORDER_NEWEST_FIRST), ElementsAre(last, first));
}

TEST_F(CollectionFilterTest, RangesReachTheEndsOfTheCalendar) {
  const auto id = InsertLine(database_, {});
  v1::CollectionFilter days, instants;
  *days.mutable_days() = DaysOf(DayOf(1970, 1, 1), DayOf(9999, 12, 31));
  *instants.mutable_instants()->mutable_start() = InstantOf("0001-01-01T00:00:00Z");
  *instants.mutable_instants()->mutable_end() = InstantOf("9999-12-31T23:59:59.999999999Z");

  EXPECT_THAT(Ids(days), ElementsAre(id));
  EXPECT_THAT(Ids(instants), ElementsAre(id));
}

TEST_F(CollectionFilterTest, TotalsAreInclusiveAndExactToTheKopiyka) {
  InsertLine(database_, {.device_id = "a", .banknotes_minor = 9999});
  const auto low = InsertLine(database_, {.device_id = "b", .banknotes_minor = 10000});
  const auto high =
      InsertLine(database_, {.device_id = "c", .banknotes_minor = 10000, .coins_minor = 1});
  InsertLine(database_, {.device_id = "d", .banknotes_minor = 10000, .coins_minor = 2});
  v1::CollectionFilter filter;
  filter.set_min_total_minor(10000);
  filter.set_max_total_minor(10001);

  EXPECT_THAT(Ids(filter), ElementsAre(low, high));

  filter.set_max_total_minor(0);
  filter.clear_min_total_minor();
  EXPECT_THAT(Ids(filter), IsEmpty());
}

TEST_F(CollectionFilterTest, WorkerMeansEveryTextMappedToHim) {
  const auto worker = InsertWorker(database_, "Petro");
  InsertAlias(database_, "petro", worker);
  InsertAlias(database_, "Ð\u009fÐµÑ\u0082Ñ\u0080Ð¾", worker);
  const auto nick = InsertLine(database_, {.device_id = "a", .collector = "petro"});
  const auto mojibake =
      InsertLine(database_, {.device_id = "b", .collector = "Ð\u009fÐµÑ\u0082Ñ\u0080Ð¾"});
  InsertLine(database_, {.device_id = "c", .collector = "Petro"});
  v1::CollectionFilter filter;
  filter.add_worker_ids(worker);

  EXPECT_THAT(Ids(filter), ElementsAre(nick, mojibake));

  filter.add_collectors("petro");
  filter.add_collectors("Petro");
  EXPECT_THAT(Ids(filter), ElementsAre(nick)) << "all that is set must hold";
}

TEST_F(CollectionFilterTest, RepeatedValuesGiveALineOnce) {
  const auto id = InsertLine(database_, {.device_id = "7", .collector = "petro"});
  const auto worker = InsertWorker(database_, "Petro");
  InsertAlias(database_, "petro", worker);
  v1::CollectionFilter devices, collectors, workers;
  for (int i = 0; i < 3; ++i) {
    devices.add_device_ids("7");
    collectors.add_collectors("petro");
    workers.add_worker_ids(worker);
  }

  EXPECT_THAT(Ids(devices), ElementsAre(id));
  EXPECT_THAT(Ids(collectors), ElementsAre(id));
  EXPECT_THAT(Ids(workers), ElementsAre(id));
}

// Random filters, against the same question asked in C++: every access path must agree with it.
class CollectionFilterSampleTest : public CollectionFilterTest {
 protected:
  static constexpr int kDevices = 8;
  static constexpr int kCollectors = 5;

  void SetUp() override {
    database_.Execute(
        "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins, collector) "
        "SELECT 'device-' || (n * 7 % 8), timestamptz '2026-03-27 00:00' + n * interval '37 min', "
        "n % 11, n % 7 / 100.0, 'collector ' || (n * 3 % 5) FROM generate_series(1, 400) AS n");
    for (int n = 0; n < 3; ++n) InsertWorker(database_, "worker");
    database_.Execute(
        "INSERT INTO aquifer.collector_aliases (collector, worker_id) "
        "SELECT 'collector ' || n, n % 3 + 1 FROM generate_series(0, 3) AS n");
    all_ = List({});
  }

  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }

  v1::CollectionFilter RandomFilter() {
    v1::CollectionFilter filter = Below(3) == 0 ? ManyDevices() : v1::CollectionFilter();
    if (filter.device_ids_size() > 0 || Below(3) == 0) {
      for (int n = 0; n <= Below(3); ++n) {
        filter.add_device_ids("device-" + std::to_string(Below(kDevices)));
      }
      if (filter.device_ids_size() > 1000) filter.mutable_device_ids()->DeleteSubrange(0, 10);
    }
    if (Below(3) == 0) {
      const int day = 26 + Below(6);
      *filter.mutable_days() = DaysOf(DayOf(2026, 3, day), DayOf(2026, 3, day + Below(32 - day)));
    } else if (Below(2) == 0) {
      *filter.mutable_instants()->mutable_start() = InstantOf("2026-03-28T00:00:00Z");
      *filter.mutable_instants()->mutable_end() = filter.instants().start();
      filter.mutable_instants()->mutable_end()->set_seconds(filter.instants().start().seconds() +
                                                            std::int64_t{60} * Below(10000) + 1);
    }
    for (int n = Below(3); n > 0; --n) {
      filter.add_collectors("collector " + std::to_string(Below(kCollectors)));
    }
    for (int n = std::max(0, Below(4) - 1); n > 0; --n) filter.add_worker_ids(1 + Below(3));
    if (Below(4) == 0) filter.set_min_total_minor(Below(1100));
    if (Below(4) == 0) filter.set_max_total_minor(Below(1100));
    return filter;
  }

  static bool Matches(const v1::CollectionFilter& filter, const v1::Collection& line) {
    const auto holds = [](const auto& values, const auto& value) {
      return values.empty() || std::find(values.begin(), values.end(), value) != values.end();
    };
    const auto number = [](const v1::Day& day) { return day.month() * 100 + day.day(); };
    const auto seconds = line.collected_at().seconds();
    return (!filter.has_days() || (number(line.day()) >= number(filter.days().first()) &&
                                   number(line.day()) <= number(filter.days().last()))) &&
           (!filter.has_instants() || (seconds >= filter.instants().start().seconds() &&
                                       seconds < filter.instants().end().seconds())) &&
           holds(filter.device_ids(), line.device_id()) &&
           holds(filter.collectors(), line.collector().text()) &&
           holds(filter.worker_ids(), line.collector().worker_id()) &&
           (!filter.has_min_total_minor() || line.total_minor() >= filter.min_total_minor()) &&
           (!filter.has_max_total_minor() || line.total_minor() <= filter.max_total_minor());
  }

  std::vector<v1::Collection> all_;
  std::mt19937 random_{42};
};

TEST_F(CollectionFilterSampleTest, EveryAccessPathAgrees) {
  ASSERT_EQ(all_.size(), 400u);
  std::set<AccessPath> paths;
  int found = 0;

  for (int round = 0; round < 300; ++round) {
    const v1::CollectionFilter filter = RandomFilter();
    paths.insert(AccessPathOf(filter, 1001));
    std::vector<std::int64_t> expected;
    for (const auto& line : all_) {
      if (Matches(filter, line)) expected.push_back(line.id());
    }
    found += !expected.empty();

    ASSERT_EQ(Ids(filter), expected) << filter.ShortDebugString();
    auto newest_first = Ids(filter, v1::COLLECTION_ORDER_NEWEST_FIRST);
    std::reverse(newest_first.begin(), newest_first.end());
    ASSERT_EQ(newest_first, expected) << filter.ShortDebugString();
    if (filter.has_days() || filter.has_instants() || filter.device_ids_size() > 0) {
      v1::DeleteCollectionsRequest request;
      *request.mutable_filter() = filter;
      request.set_dry_run(true);
      const auto dry_run = Call(&CollectionRepository::DeleteCollections, request);
      ASSERT_TRUE(dry_run.ok()) << dry_run.status();
      ASSERT_EQ(dry_run->matched(), static_cast<std::int64_t>(expected.size()))
          << filter.ShortDebugString();
    }
  }

  EXPECT_THAT(paths, UnorderedElementsAre(AccessPath::kTime, AccessPath::kTimeAlone,
                                          AccessPath::kDevice, AccessPath::kCollector));
  EXPECT_GT(found, 50) << "the filters are too narrow to tell anything";
}

// No text of a caller becomes SQL: it only ever equals itself.
class DomainRule12FilterTest : public CollectionFilterTest {};

constexpr const char* kHostileTexts[] = {"'; DROP TABLE aquifer.collections; --",
                                         "' OR '1'='1",
                                         "1) OR (1=1",
                                         "device_id DESC",
                                         "\"",
                                         "\\",
                                         "\\'",
                                         "''",
                                         "{",
                                         "}",
                                         "{a,b}",
                                         "{\"7\"}",
                                         "a,b",
                                         ",",
                                         "NULL",
                                         "null",
                                         "$1",
                                         "$10",
                                         "%",
                                         "_",
                                         "*",
                                         " ",
                                         " 7",
                                         "7 ",
                                         "\n",
                                         "\t",
                                         "\x01",
                                         "E'\\x00'",
                                         "Київ",
                                         "\xF0\x9F\x92\xA7"};

TEST_F(DomainRule12FilterTest, HostileTextSelectsItsOwnLineAndNoOther) {
  const auto other = InsertLine(database_, {.device_id = "7", .collector = "petro"});

  for (const std::string text : kHostileTexts) {
    SCOPED_TRACE(text);
    const auto own = InsertLine(database_, {.device_id = text, .collector = text});
    v1::CollectionFilter device, collector, both, in_passing = ManyDevices();
    device.add_device_ids(text);
    collector.add_collectors(text);
    both.add_device_ids(text);
    both.add_device_ids("7");
    in_passing.add_device_ids(text);

    EXPECT_THAT(Ids(device), ElementsAre(own));
    EXPECT_THAT(Ids(collector), ElementsAre(own));
    EXPECT_THAT(Ids(both), UnorderedElementsAre(own, other));
    EXPECT_THAT(Ids(in_passing), ElementsAre(own));
  }
}

}  // namespace
}  // namespace aquifer
