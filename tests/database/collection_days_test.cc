#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/testing/collections_test.h"
#include "tests/testing/stored_lines.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::DaysOf;
using testing::InsertLine;

// A day is a civil day: on change-over days it has 23 or 25 hours, and every instant is in one day.
struct ChangeOver {
  const char* name;
  // An hour on the hour in UTC, two days before the change.
  const char* start;
  v1::Day first;
  std::vector<int> hours;
};

class DomainRule3DayRangeTest : public testing::CollectionsTest,
                                public ::testing::WithParamInterface<ChangeOver> {
 protected:
  v1::ListCollectionsResponse ListDays(const v1::Day& first, const v1::Day& last) {
    v1::ListCollectionsRequest request;
    *request.mutable_filter()->mutable_days() = DaysOf(first, last);
    request.set_page_size(1000);
    const auto page = Call(&CollectionRepository::ListCollections, request);
    EXPECT_TRUE(page.ok()) << page.status();
    return *page;
  }

  std::int64_t CountOn(const v1::Day& day) {
    v1::CheckCollectionExistsRequest request;
    request.set_device_id("7");
    *request.mutable_day() = day;
    return Call(&CollectionRepository::CheckCollectionExists, request)->lines();
  }
};

TEST_P(DomainRule3DayRangeTest, EachHourBoundaryIsInExactlyOneDay) {
  database_.Execute(std::string("INSERT INTO aquifer.collections "
                                "(device_id, collected_at, banknotes, coins) "
                                "SELECT '7', timestamptz '") +
                    GetParam().start +
                    "' + n * interval '1 hour', 1, 0 FROM generate_series(0, 119) AS n");
  std::multiset<std::int64_t> ids;
  v1::Day day = GetParam().first;

  for (const int hours : GetParam().hours) {
    const auto lines = ListDays(day, day);

    EXPECT_EQ(lines.collections_size(), hours) << day.ShortDebugString();
    EXPECT_EQ(CountOn(day), hours) << day.ShortDebugString();
    for (const auto& line : lines.collections()) {
      EXPECT_EQ(line.day().ShortDebugString(), day.ShortDebugString());
      ids.insert(line.id());
    }
    day.set_day(day.day() + 1);
  }

  EXPECT_EQ(std::set<std::int64_t>(ids.begin(), ids.end()).size(), ids.size());
  day.set_day(day.day() - 1);
  EXPECT_EQ(ListDays(GetParam().first, day).collections_size(), static_cast<int>(ids.size()));
}

TEST_P(DomainRule3DayRangeTest, MidnightBeginsItsDay) {
  v1::Day day = GetParam().first;
  for (std::size_t i = 0; i < GetParam().hours.size(); ++i, day.set_day(day.day() + 1)) {
    const std::string date = std::to_string(day.year()) + "-" + std::to_string(day.month()) + "-" +
                             std::to_string(day.day());
    InsertLine(database_, {.device_id = "7", .collected_at = date + " 00:00:00"});
    InsertLine(database_, {.device_id = "7", .collected_at = date + " 23:59:59.999999"});

    EXPECT_EQ(ListDays(day, day).collections_size(), 2) << date;
  }
}

INSTANTIATE_TEST_SUITE_P(
    ChangeOverDays, DomainRule3DayRangeTest,
    ::testing::Values(
        ChangeOver{"Spring", "2026-03-27T00:00:00Z", DayOf(2026, 3, 28), {24, 23, 24}},
        ChangeOver{"Autumn", "2026-10-23T00:00:00Z", DayOf(2026, 10, 24), {24, 25, 24}}),
    [](const auto& change) { return change.param.name; });

}  // namespace
}  // namespace aquifer
