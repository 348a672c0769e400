// The rules of the domain that storing lines keeps.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/collections_test.h"

namespace aquifer {
namespace {

using testing::CollectionsTest;
using testing::LineAt;
using testing::OutcomesOf;

class DomainRule1MoneyTest : public CollectionsTest {};

TEST_F(DomainRule1MoneyTest, TenthsAddUpExactlyOverManyLines) {
  std::vector<v1::CollectionLine> lines;
  for (int i = 0; i < 1000; ++i) {
    lines.push_back(
        LineAt("2026-03-28 14:05:09").Device(std::to_string(i)).NotesText("0.1").CoinsText("0.2"));
  }

  ASSERT_TRUE(RecordAll(lines).ok());

  EXPECT_EQ(Value("SELECT sum(total) FROM aquifer.collections"), "300.00");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collections WHERE total = 0.3"), "1000");
}

TEST_F(DomainRule1MoneyTest, MinorUnitsAndDecimalTextMeanTheSame) {
  const auto answer =
      RecordAll({LineAt("2026-03-28 14:05:09").Notes(152050).Coins(5),
                 LineAt("2026-03-28 14:05:09").NotesText("1520.50").CoinsText("0.05"),
                 LineAt("2026-03-28 14:05:09").NotesText("1520.5")});

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(OutcomesOf(*answer), "INSERTED UNCHANGED UNCHANGED");
}

TEST_F(DomainRule1MoneyTest, TheGreatestAmountsFitAndTheDatabaseAddsThem) {
  const auto answer =
      Record(LineAt("2026-03-28 14:05:09").NotesText("9999999999.99").Coins(999999999999));

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->collection().banknotes_minor(), 999999999999);
  EXPECT_EQ(answer->collection().coins_minor(), 999999999999);
  EXPECT_EQ(answer->collection().total_minor(), 1999999999998);
}

TEST_F(DomainRule1MoneyTest, AmountsThatDoublesCannotHoldStayExact) {
  for (const std::int64_t minor :
       {1L, 10L, 29L, 57L, 58L, 115L, 999999999999L, 999999999998L, 900719925475L}) {
    const auto answer =
        Record(LineAt("2026-03-28 14:05:09").Device(std::to_string(minor)).Notes(minor));

    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->collection().banknotes_minor(), minor);
  }
}

TEST_F(DomainRule1MoneyTest, TextThatIsNotStrictDecimalIsRejectedAndNotRepaired) {
  for (const char* text : {"1,50", "1.505", " 1", "1e2", "-1", "10000000000", ""}) {
    const auto answer = RecordAll({LineAt("2026-03-28 14:05:09").NotesText(text)});

    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(OutcomesOf(*answer), "REJECTED") << text;
  }
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collections"), "0");
}

class DomainRule2RefetchTest : public CollectionsTest {
 protected:
  std::string Stored() {
    return Value(
        "SELECT string_agg(concat_ws(' ', banknotes, coins, version), ', ' ORDER BY id) "
        "FROM aquifer.collections");
  }
  // Every trace that writing, or even locking, would leave.
  std::string Traces() {
    return Value(
               "SELECT string_agg(concat_ws(' ', ctid, xmin, xmax, version, updated_at), ', ' "
               "ORDER BY id) FROM aquifer.collections") +
           Value("SELECT last_value FROM aquifer.collections_id_seq");
  }
};

TEST_F(DomainRule2RefetchTest, RefetchNeverLowersAnAmount) {
  ASSERT_TRUE(Record(LineAt("2026-03-28 14:05:09").Notes(15200).Coins(300)).ok());

  const auto one = Record(LineAt("2026-03-28 14:05:09").Notes(100).Coins(200));
  const auto batch = RecordAll({LineAt("2026-03-28 14:05:09").Notes(15199)});

  ASSERT_TRUE(one.ok() && batch.ok());
  EXPECT_EQ(one->outcome(), v1::RECORD_OUTCOME_UNCHANGED);
  EXPECT_EQ(one->collection().banknotes_minor(), 15200);
  EXPECT_EQ(OutcomesOf(*batch), "UNCHANGED");
  EXPECT_EQ(Stored(), "152.00 3.00 1");
}

TEST_F(DomainRule2RefetchTest, RefetchRaisesEachAmountAlone) {
  ASSERT_TRUE(Record(LineAt("2026-03-28 14:05:09").Notes(15200).Coins(300)).ok());

  const auto answer = Record(LineAt("2026-03-28 14:05:09").Notes(100).Coins(400));

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->outcome(), v1::RECORD_OUTCOME_UPDATED);
  EXPECT_EQ(Stored(), "152.00 4.00 2");
}

TEST_F(DomainRule2RefetchTest, CoinsFourSecondsAfterTheNotesAreALineOfTheirOwn) {
  const std::vector<v1::CollectionLine> visit = {LineAt("2026-03-28 14:05:09").Notes(15200),
                                                 LineAt("2026-03-28 14:05:13").Coins(300)};

  ASSERT_TRUE(RecordAll(visit).ok());
  const auto again = RecordAll(visit);

  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(OutcomesOf(*again), "UNCHANGED UNCHANGED");
  EXPECT_EQ(Stored(), "152.00 0.00 1, 0.00 3.00 1");
}

TEST_F(DomainRule2RefetchTest, ASecondVisitOfTheDayIsKept) {
  ASSERT_TRUE(Record(LineAt("2026-03-28 09:00:00").Notes(100)).ok());

  const auto answer = RecordAll(
      {LineAt("2026-03-28 09:00:00").Notes(100), LineAt("2026-03-28 17:00:00").Notes(100)});

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(OutcomesOf(*answer), "UNCHANGED INSERTED");
}

TEST_F(DomainRule2RefetchTest, ARepeatWritesNothingAtAll) {
  const v1::CollectionLine line =
      LineAt("2026-03-28 14:05:09").Notes(15200).Collector("x").Note("y").Machine("z").Card("1");
  ASSERT_TRUE(Record(line).ok());
  const std::string before = Traces();

  const auto one = Record(line);
  const auto batch = RecordAll({line, line});

  ASSERT_TRUE(one.ok() && batch.ok());
  EXPECT_EQ(one->outcome(), v1::RECORD_OUTCOME_UNCHANGED);
  EXPECT_EQ(OutcomesOf(*batch), "UNCHANGED UNCHANGED");
  EXPECT_EQ(Traces(), before);
}

class DomainRule3WallTimeTest : public CollectionsTest {};

TEST_F(DomainRule3WallTimeTest, WallTimesMeanTheirInstantsOnBothChangeOverDays) {
  const struct {
    const char* wall_time;
    const char* instant;
  } kTimes[] = {
      {"2026-03-29 00:00:00", "2026-03-28T22:00:00Z"},
      {"2026-03-29 02:59:59", "2026-03-29T00:59:59Z"},
      {"2026-03-29 04:00:00", "2026-03-29T01:00:00Z"},
      {"2026-03-30 00:00:00", "2026-03-29T21:00:00Z"},
      {"2026-10-25 00:00:00", "2026-10-24T21:00:00Z"},
      {"2026-10-25 02:59:59", "2026-10-24T23:59:59Z"},
      {"2026-10-25 03:00:00", "2026-10-25T00:00:00Z"},
      {"2026-10-25 03:59:59", "2026-10-25T00:59:59Z"},
      {"2026-10-25 04:00:00", "2026-10-25T02:00:00Z"},
      {"2026-10-26 00:00:00", "2026-10-25T22:00:00Z"},
  };
  for (const auto& [wall_time, instant] : kTimes) {
    const auto one = Record(LineAt(wall_time).Notes(100));
    const auto same =
        RecordAll({LineAt("").Instant(instant).Notes(100), LineAt(wall_time).Notes(100)});

    ASSERT_TRUE(one.ok()) << one.status();
    ASSERT_TRUE(same.ok()) << same.status();
    EXPECT_EQ(one->outcome(), v1::RECORD_OUTCOME_INSERTED) << wall_time;
    EXPECT_EQ(OutcomesOf(*same), "UNCHANGED UNCHANGED") << wall_time;
  }
}

TEST_F(DomainRule3WallTimeTest, ATimeTheClocksSkipIsRefusedEvenWithoutMoney) {
  for (const char* wall_time :
       {"2026-03-29 03:00:00", "2026-03-29T03:30:00", "2026-03-29 03:59:59"}) {
    for (const std::int64_t notes : {0, 100}) {
      const auto one = Record(LineAt(wall_time).Notes(notes));
      const auto batch = RecordAll({LineAt(wall_time).Notes(notes)});

      ASSERT_TRUE(batch.ok()) << batch.status();
      EXPECT_EQ(one.status().message(), "line.wall_time does not occur in the fleet's time zone");
      EXPECT_EQ(OutcomesOf(*batch), "REJECTED");
    }
  }
}

TEST_F(DomainRule3WallTimeTest, TheSecondOccurrenceIsReachedByItsInstantOnly) {
  const auto answer = RecordAll({LineAt("2026-10-25 03:30:00").Notes(100),
                                 LineAt("").Instant("2026-10-25T01:30:00Z").Notes(100)});

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(OutcomesOf(*answer), "INSERTED INSERTED");
  EXPECT_EQ(Value("SELECT count(DISTINCT collected_at::timestamp) FROM aquifer.collections"), "1");
}

class DomainRule12TextTest : public CollectionsTest {};

TEST_F(DomainRule12TextTest, TextsThatLookLikeSqlAreStoredAsTheyCame) {
  const char* const kTexts[] = {
      "'; DROP TABLE aquifer.collections; --",
      "{a,\"b\"}",
      "NULL",
      "\\x41\\",
      "\"",
      "$1",
      "a,b",
      " ",
      "\t\r\n",
      "%s%n",
      "Робота🚰",
  };
  int second = 0;
  for (const char* text : kTexts) {
    const std::string at = "2026-03-28 14:05:" + std::to_string(10 + second++);
    const auto line = [&](const char* device) -> v1::CollectionLine {
      return LineAt(at).Device(device).Notes(1).Collector(text).Card(text).Note(text).Machine(text);
    };

    ASSERT_TRUE(Record(line(text)).ok());
    const auto batch = RecordAll({line("1024")});
    const auto again = Record(line("1024"));

    ASSERT_TRUE(batch.ok() && again.ok());
    EXPECT_EQ(OutcomesOf(*batch), "INSERTED") << text;
    EXPECT_EQ(again->outcome(), v1::RECORD_OUTCOME_UNCHANGED) << text;
    EXPECT_EQ(again->collection().collector().text(), text);
    EXPECT_EQ(again->collection().card_id(), text);
    EXPECT_EQ(again->collection().note(), text);
    EXPECT_EQ(again->collection().machine(), text);
  }
}

class DomainRule13SilenceTest : public CollectionsTest {};

TEST_F(DomainRule13SilenceTest, NoRefusalHoldsATextOfTheLine) {
  const v1::CollectionLine line = LineAt("SECRET")
                                      .NotesText("SECRET")
                                      .CoinsText("SECRET")
                                      .Collector("SECRET" + std::string(300, 'x'))
                                      .Card("SECRET" + std::string(300, 'x'))
                                      .Note("SECRET" + std::string(3000, 'x'))
                                      .Machine(std::string("SECRET\0", 7));

  const auto one = Record(line);
  const auto batch = RecordAll({line});

  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(one.status().ToString().find("SECRET"), std::string::npos) << one.status();
  EXPECT_EQ(batch->results(0).rejection().problems_size(), 7);
  EXPECT_EQ(batch->DebugString().find("SECRET"), std::string::npos) << batch->DebugString();
}

}  // namespace
}  // namespace aquifer
