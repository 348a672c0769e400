// How values come out of the database: written by a real one, read by Row.
#include "repositories/row.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/testing/test_database.h"

namespace aquifer {
namespace {

class RowTest : public ::testing::Test {
 protected:
  RowTest() : connection_(database_.url()), transaction_(connection_) {
    transaction_.exec("SET LOCAL DateStyle = ISO");
  }

  pqxx::result Select(const std::string& expressions) {
    return transaction_.exec("SELECT " + expressions);
  }

  testing::TestDatabase database_;
  pqxx::connection connection_;
  pqxx::work transaction_;
};

TEST_F(RowTest, InstantIsTheSameInEveryZone) {
  for (const char* zone : {"UTC", "Europe/Kyiv", "Asia/Kathmandu", "America/St_Johns"}) {
    SCOPED_TRACE(zone);
    transaction_.exec("SELECT set_config('TimeZone', '" + std::string(zone) + "', true)");
    const pqxx::result rows = Select("timestamptz '2026-03-28 12:05:09.123456Z'");
    const auto instant = Row(rows[0]).Instant(0);
    EXPECT_EQ(instant.seconds(), 1774699509);
    EXPECT_EQ(instant.nanos(), 123456000);
  }
}

// PostgreSQL's own arithmetic agrees, from zones kept in seconds to the last year there is.
TEST_F(RowTest, InstantIsWhatTheDatabaseMeans) {
  for (const char* text :
       {"0001-01-01 00:00:00Z", "1879-12-31 23:59:59.999999Z", "1969-12-31 23:59:59.5Z",
        "1970-01-01 00:00:00Z", "2000-02-29 23:30:00.000001Z", "2026-10-25 00:59:59Z",
        "2026-10-25 01:00:00Z", "9999-12-31 23:59:59.999999Z"}) {
    SCOPED_TRACE(text);
    const std::string value = "timestamptz '" + std::string(text) + "'";
    for (const char* zone : {"Europe/Kyiv", "America/New_York"}) {
      transaction_.exec("SELECT set_config('TimeZone', '" + std::string(zone) + "', true)");
      const pqxx::result rows =
          Select(value + ", (EXTRACT(EPOCH FROM " + value + ") * 1000000)::bigint");
      const Row row(rows[0]);
      const auto instant = row.Instant(0);
      EXPECT_EQ(instant.seconds() * 1000000 + instant.nanos() / 1000, row.Int(1)) << zone;
      EXPECT_GE(instant.nanos(), 0);
    }
  }
}

TEST_F(RowTest, DayOfAnInstantIsTheSessions) {
  transaction_.exec("SET LOCAL TimeZone = 'Europe/Kyiv'");
  const pqxx::result rows = Select("timestamptz '2026-03-28 22:30:00Z', date '2026-03-28'");
  const Row row(rows[0]);
  EXPECT_EQ(DayText(row.Day(0)), "2026-03-29");
  EXPECT_EQ(DayText(row.Day(1)), "2026-03-28");
}

TEST_F(RowTest, MoneyIsExact) {
  const pqxx::result rows = Select(
      "0::numeric(12, 2), 0.05::numeric(12, 2), -0.05::numeric(12, 2), 1520.5::numeric(12, 2), "
      "19999999999.98::numeric(13, 2)");
  const Row row(rows[0]);
  EXPECT_EQ(row.Money(0), 0);
  EXPECT_EQ(row.Money(1), 5);
  EXPECT_EQ(row.Money(2), -5);
  EXPECT_EQ(row.Money(3), 152050);
  EXPECT_EQ(row.Money(4), std::int64_t{1999999999998});
}

TEST_F(RowTest, WhatIsNotOfTheTypeThrows) {
  const pqxx::result rows =
      Select("'12.5', '12', '', '12.345', NULL::numeric, 'infinity'::timestamptz");
  const Row row(rows[0]);
  for (int column = 0; column < 5; ++column) {
    EXPECT_THROW((void)row.Money(column), pqxx::conversion_error) << column;
  }
  EXPECT_THROW((void)row.Int(0), pqxx::conversion_error);
  EXPECT_THROW((void)row.Int(4), pqxx::conversion_error);
  EXPECT_THROW((void)row.Instant(5), pqxx::conversion_error);
}

TEST_F(RowTest, ColumnsAreReadInAnyOrder) {
  const pqxx::result rows = Select("1, 'two', NULL, 4");
  const Row row(rows[0]);
  EXPECT_EQ(row.Int(3), 4);
  EXPECT_EQ(row.Int(0), 1);
  EXPECT_TRUE(row.IsNull(2));
  EXPECT_EQ(row.Text(1), "two");
}

}  // namespace
}  // namespace aquifer
