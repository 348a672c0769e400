// SummarizeCollections: visits, civil time, groups, order and limits.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "repositories/errors.h"
#include "repositories/row.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::LineAt;
using ::testing::SizeIs;
using Request = v1::SummarizeCollectionsRequest;
using Response = v1::SummarizeCollectionsResponse;

class SummariesTest : public testing::CollectionsTest {
 protected:
  void Store(const std::vector<v1::CollectionLine>& lines) { ASSERT_TRUE(RecordAll(lines).ok()); }

  Response Summarize(const Request& request) {
    auto response = Call(&CollectionRepository::SummarizeCollections, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : Response();
  }

  static Request By(std::vector<v1::Grouping> groupings) {
    Request request;
    for (const auto grouping : groupings) request.add_group_by(grouping);
    return request;
  }

  static Request OnDay(Request request, const v1::Day& day) {
    *request.mutable_filter()->mutable_days() = testing::DaysOf(day, day);
    return request;
  }

  static std::string Key(const v1::CollectionSummary& group) {
    std::string key;
    if (group.has_period_start()) key += DayText(group.period_start());
    if (!group.device_id().empty()) key += " " + group.device_id();
    if (group.has_collector()) {
      key += " " + group.collector().text() + group.collector().worker_name();
    }
    return key;
  }

  // Each group as "key lines/visits".
  static std::vector<std::string> Counts(const Response& response) {
    std::vector<std::string> counts;
    for (const auto& group : response.groups()) {
      counts.push_back(Key(group) + " " + std::to_string(group.lines()) + "/" +
                       std::to_string(group.visits()));
    }
    return counts;
  }

  void Map(const std::string& text, const std::string& worker) {
    database_.Execute("INSERT INTO aquifer.workers (name) SELECT '" + worker +
                      "' WHERE NOT EXISTS (SELECT FROM aquifer.workers WHERE name = '" + worker +
                      "'); INSERT INTO aquifer.collector_aliases (collector, worker_id) SELECT '" +
                      text + "', id FROM aquifer.workers WHERE name = '" + worker + "'");
  }
};

class DomainRule1SumTest : public SummariesTest {};
class DomainRule2VisitsTest : public SummariesTest {};
class DomainRule3SummaryTest : public SummariesTest {};

TEST_F(DomainRule1SumTest, SumsAreExactToTheLastKopiyka) {
  std::vector<v1::CollectionLine> lines;
  for (int i = 0; i < 10; ++i) {
    lines.push_back(LineAt("2026-05-01 10:00:0" + std::to_string(i)).Notes(10).Coins(20));
  }
  lines.push_back(LineAt("2026-05-01 11:00:00").Notes(999999999999).Coins(999999999999));
  Store(lines);

  const auto total = Summarize(By({})).total();

  EXPECT_EQ(total.banknotes_minor(), 999999999999 + 100);
  EXPECT_EQ(total.coins_minor(), 999999999999 + 200);
  EXPECT_EQ(total.total_minor(), 2 * 999999999999 + 300);
}

TEST_F(DomainRule1SumTest, AverageIsRoundedHalfUp) {
  Store({LineAt("2026-05-01 10:00:00").Notes(1), LineAt("2026-05-01 11:00:00").Notes(2),
         LineAt("2026-05-02 10:00:00").Notes(1), LineAt("2026-05-02 11:00:00").Notes(1),
         LineAt("2026-05-02 12:00:00").Notes(2)});

  const auto response = Summarize(By({v1::GROUPING_DAY}));

  ASSERT_THAT(response.groups(), SizeIs(2));
  EXPECT_EQ(response.groups(0).average_line_minor(), 2);
  EXPECT_EQ(response.groups(1).average_line_minor(), 1);
}

TEST_F(DomainRule2VisitsTest, NotesAndCoinsFourSecondsApartAreOneVisitOfTwoLines) {
  Store({LineAt("2026-05-01 10:00:00").Notes(15200), LineAt("2026-05-01 10:00:04").Coins(1400)});

  const auto total = Summarize(By({})).total();

  EXPECT_EQ(total.lines(), 2);
  EXPECT_EQ(total.visits(), 1);
}

TEST_F(DomainRule2VisitsTest, GapOf120SecondsIsOneVisitAndOf121SecondsTwo) {
  Store({LineAt("2026-05-01 10:00:00").Notes(1), LineAt("2026-05-01 10:02:00").Notes(1),
         LineAt("2026-05-02 10:00:00").Notes(1), LineAt("2026-05-02 10:02:01").Notes(1)});

  EXPECT_THAT(Counts(Summarize(By({v1::GROUPING_DAY}))),
              ElementsAre("2026-05-01 2/1", "2026-05-02 2/2"));
}

TEST_F(DomainRule2VisitsTest, DevicesAtTheSameTimeAreVisitedApart) {
  Store({LineAt("2026-05-01 10:00:00").Device("1").Notes(1),
         LineAt("2026-05-01 10:00:01").Device("2").Notes(1)});

  EXPECT_EQ(Summarize(By({})).total().visits(), 2);
}

TEST_F(DomainRule2VisitsTest, VisitAcrossMidnightCountsOnceOnItsFirstDay) {
  Store({LineAt("2026-05-01 23:59:58").Notes(1), LineAt("2026-05-02 00:00:02").Coins(1)});

  const auto both = Summarize(By({v1::GROUPING_DAY}));
  const auto second = Summarize(OnDay(By({v1::GROUPING_DAY}), DayOf(2026, 5, 2)));

  EXPECT_THAT(Counts(both), ElementsAre("2026-05-01 1/1", "2026-05-02 1/0"));
  EXPECT_EQ(both.total().visits(), 1);
  EXPECT_THAT(Counts(second), ElementsAre("2026-05-02 1/0"));
}

TEST_F(DomainRule2VisitsTest, NoFilterMakesAVisitOfALineWithinOne) {
  Store({LineAt("2026-05-01 10:00:00").Notes(100).Collector("A"),
         LineAt("2026-05-01 10:00:04").Coins(5).Collector("B")});
  Map("B", "Bohdan");
  Request by_collector, by_worker, by_total, by_device;
  by_collector.mutable_filter()->add_collectors("B");
  by_worker.mutable_filter()->add_worker_ids(1);
  by_total.mutable_filter()->set_max_total_minor(50);
  by_device = by_total;
  by_device.mutable_filter()->add_device_ids(testing::kDevice);

  for (const auto& request : {by_collector, by_worker, by_total, by_device}) {
    const auto total = Summarize(request).total();

    EXPECT_EQ(total.lines(), 1);
    EXPECT_EQ(total.visits(), 0);
    EXPECT_EQ(total.devices(), 1);
  }
}

TEST_F(DomainRule3SummaryTest, ChangeOverDaysAreAsLongAsTheyAre) {
  Store({LineAt("").Instant("2026-03-28T21:59:59Z").Notes(1),    // The 28th's last second.
         LineAt("").Instant("2026-03-28T22:00:00Z").Notes(1),    // The 29th's first,
         LineAt("").Instant("2026-03-29T20:59:59Z").Notes(1),    // and its last: 23 hours.
         LineAt("").Instant("2026-03-29T21:00:00Z").Notes(1),    // The 30th's first.
         LineAt("").Instant("2026-10-24T20:59:59Z").Notes(1),    // The 24th's last.
         LineAt("").Instant("2026-10-24T21:00:00Z").Notes(1),    // The 25th's first,
         LineAt("").Instant("2026-10-25T21:59:59Z").Notes(1),    // and its last: 25 hours.
         LineAt("").Instant("2026-10-25T22:00:00Z").Notes(1)});  // The 26th's first.

  EXPECT_THAT(Counts(Summarize(By({v1::GROUPING_DAY}))),
              ElementsAre("2026-03-28 1/1", "2026-03-29 2/1", "2026-03-30 1/0", "2026-10-24 1/1",
                          "2026-10-25 2/1", "2026-10-26 1/0"));
  EXPECT_EQ(Summarize(OnDay(By({}), DayOf(2026, 3, 29))).total().lines(), 2);
  EXPECT_EQ(Summarize(OnDay(By({}), DayOf(2026, 10, 25))).total().lines(), 2);
}

TEST_F(DomainRule3SummaryTest, WeeksAndMonthsTurnAtTheFleetsMidnight) {
  // Both change-overs are on a Sunday; the week ends with it, at a midnight of the new offset.
  Store({LineAt("").Instant("2026-03-29T20:59:59Z").Notes(1),
         LineAt("").Instant("2026-03-29T21:00:00Z").Notes(1),
         LineAt("").Instant("2026-03-31T20:59:59Z").Notes(1),
         LineAt("").Instant("2026-03-31T21:00:00Z").Notes(1),
         LineAt("").Instant("2026-10-25T21:59:59Z").Notes(1),
         LineAt("").Instant("2026-10-25T22:00:00Z").Notes(1),
         LineAt("").Instant("2026-10-31T21:59:59Z").Notes(1),
         LineAt("").Instant("2026-10-31T22:00:00Z").Notes(1)});

  EXPECT_THAT(Counts(Summarize(By({v1::GROUPING_WEEK}))),
              ElementsAre("2026-03-23 1/1", "2026-03-30 3/1", "2026-10-19 1/1", "2026-10-26 3/1"));
  EXPECT_THAT(Counts(Summarize(By({v1::GROUPING_MONTH}))),
              ElementsAre("2026-03-01 3/2", "2026-04-01 1/0", "2026-10-01 3/2", "2026-11-01 1/0"));
}

TEST_F(DomainRule3SummaryTest, WeekAtTheYearsEndIsOneWeek) {
  Store({LineAt("2026-12-27 12:00:00").Notes(1), LineAt("2026-12-28 00:00:00").Notes(1),
         LineAt("2027-01-03 23:59:59").Notes(1), LineAt("2027-01-04 00:00:00").Notes(1)});

  EXPECT_THAT(Counts(Summarize(By({v1::GROUPING_WEEK}))),
              ElementsAre("2026-12-21 1/1", "2026-12-28 2/2", "2027-01-04 1/0"));
}

TEST_F(SummariesTest, NothingStoredIsATotalOfNothing) {
  const auto response = Summarize(By({v1::GROUPING_DAY}));

  EXPECT_THAT(response.groups(), IsEmpty());
  EXPECT_EQ(response.total().lines(), 0);
  EXPECT_EQ(response.total().average_line_minor(), 0);
  EXPECT_FALSE(response.total().has_first_at());
  EXPECT_EQ(response.groups_left_out(), 0);
}

TEST_F(SummariesTest, NoGroupingIsTheTotalAlone) {
  Store({LineAt("2026-05-01 10:00:00").Notes(1), LineAt("2026-05-03 10:00:00").Notes(2)});

  const auto response = Summarize(By({}));

  EXPECT_THAT(response.groups(), IsEmpty());
  EXPECT_EQ(response.groups_left_out(), 0);
  EXPECT_EQ(response.total().lines(), 2);
  EXPECT_EQ(response.total().first_at().seconds() + 2 * 86400,
            response.total().last_at().seconds());
}

TEST_F(SummariesTest, TextsOfOneWorkerAreOneCollector) {
  Store({LineAt("2026-05-01 10:00:00").Notes(1).Collector("Ivan"),
         LineAt("2026-05-01 11:00:00").Notes(1).Collector("Ð†Ð²Ð°Ð½"),
         LineAt("2026-05-01 12:00:00").Notes(1).Collector("someone"),
         LineAt("2026-05-01 13:00:00").Notes(1)});
  Map("Ivan", "Іван");
  Map("Ð†Ð²Ð°Ð½", "Іван");

  const auto response = Summarize(By({v1::GROUPING_COLLECTOR}));

  EXPECT_THAT(Counts(response), ElementsAre(" Іван 2/2", "  1/1", " someone 1/1"));
  ASSERT_THAT(response.groups(), SizeIs(3));
  EXPECT_EQ(response.groups(0).collector().text(), "");
  EXPECT_EQ(response.groups(0).collector().worker_id(), 1);
  EXPECT_EQ(response.groups(0).collectors(), 1);
  EXPECT_EQ(response.groups(1).collectors(), 0);
  EXPECT_EQ(response.total().collectors(), 2);
}

TEST_F(SummariesTest, LimitKeepsTheFirstAndCountsTheOthers) {
  Store({LineAt("2026-05-01 10:00:00").Device("1").Notes(10),
         LineAt("2026-05-01 10:00:00").Device("2").Notes(30),
         LineAt("2026-05-01 10:00:00").Device("3").Notes(30),
         LineAt("2026-05-01 10:00:00").Device("4").Notes(20)});
  auto request = By({v1::GROUPING_DEVICE});
  request.set_limit(2);

  const auto by_key = Summarize(request);
  request.set_order(v1::SUMMARY_ORDER_TOTAL);
  const auto by_total = Summarize(request);

  EXPECT_THAT(Counts(by_key), ElementsAre(" 1 1/1", " 2 1/1"));
  EXPECT_THAT(Counts(by_total), ElementsAre(" 2 1/1", " 3 1/1"));
  for (const auto& response : {by_key, by_total}) {
    EXPECT_EQ(response.groups_left_out(), 2);
    EXPECT_EQ(response.total().lines(), 4);
    EXPECT_EQ(response.total().devices(), 4);
    EXPECT_EQ(response.total().total_minor(), 90);
  }
}

TEST_F(SummariesTest, PairNeedsTwoDifferentGroupingsAndOneUnitOfTime) {
  const std::vector<std::vector<v1::Grouping>> refused = {
      {v1::GROUPING_DAY, v1::GROUPING_WEEK},
      {v1::GROUPING_MONTH, v1::GROUPING_MONTH},
      {v1::GROUPING_DEVICE, v1::GROUPING_DEVICE},
      {v1::GROUPING_COLLECTOR, v1::GROUPING_COLLECTOR},
      {v1::GROUPING_UNSPECIFIED}};

  for (const auto& groupings : refused) {
    const auto response = Call(&CollectionRepository::SummarizeCollections, By(groupings));

    EXPECT_EQ(ReasonOf(response.status()), "INVALID_FIELDS");
    EXPECT_THAT(std::string(response.status().message()), ::testing::HasSubstr("group_by"));
  }
}

}  // namespace
}  // namespace aquifer
