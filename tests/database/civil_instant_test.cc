// aquifer.civil_instant against absl's time zones, minute by minute around changes of the clock.
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <gtest/gtest.h>

#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "tests/testing/test_database.h"

namespace aquifer {
namespace {

struct Change {
  const char* zone;
  // absl has the older name only on some machines.
  const char* absl_zone;
  absl::CivilDay day;
};

std::string NameOf(const ::testing::TestParamInfo<Change>& info) {
  std::string name = absl::StrCat(info.param.zone, "_", absl::FormatCivilTime(info.param.day));
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

class CivilInstantTest : public ::testing::TestWithParam<Change> {
 protected:
  testing::TestDatabase database_;
};

// What the rule says: the first occurrence of a time that repeats, nothing for one that is skipped.
std::optional<std::int64_t> Expected(const absl::TimeZone& zone, absl::CivilMinute minute) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(minute));
  if (info.kind == absl::TimeZone::TimeInfo::SKIPPED) return std::nullopt;
  return absl::ToUnixSeconds(info.pre);
}

TEST_P(CivilInstantTest, AgreesWithTheRuleMinuteByMinute) {
  const Change& change = GetParam();
  absl::TimeZone zone;
  ASSERT_TRUE(absl::LoadTimeZone(change.absl_zone, &zone));
  const absl::CivilMinute first = absl::CivilMinute(change.day) - 12 * 60;
  constexpr int kMinutes = 48 * 60;
  pqxx::connection connection(database_.url());
  pqxx::work transaction(connection);
  transaction.exec(absl::StrCat("SET TimeZone = '", change.zone, "'"));

  const pqxx::result answers = transaction.exec(
      absl::StrCat("SELECT EXTRACT(EPOCH FROM aquifer.civil_instant(minute))::bigint "
                   "FROM generate_series('",
                   absl::FormatCivilTime(first), "'::timestamp, '",
                   absl::FormatCivilTime(first + (kMinutes - 1)),
                   "'::timestamp, '1 minute') AS minute "
                   "ORDER BY minute"));

  ASSERT_EQ(answers.size(), static_cast<std::size_t>(kMinutes));
  int skipped = 0;
  for (int i = 0; i < kMinutes; ++i) {
    const auto field = answers[i][0];
    std::optional<std::int64_t> answer;
    if (!field.is_null()) answer = field.as<std::int64_t>();
    skipped += answer ? 0 : 1;
    ASSERT_EQ(answer, Expected(zone, first + i)) << absl::FormatCivilTime(first + i);
  }
  RecordProperty("skipped_minutes", skipped);
}

const Change kChanges[] = {
    {"Europe/Kyiv", "Europe/Kiev", absl::CivilDay(2023, 3, 26)},
    {"Europe/Kyiv", "Europe/Kiev", absl::CivilDay(2023, 10, 29)},
    {"Europe/Kyiv", "Europe/Kiev", absl::CivilDay(2024, 3, 31)},
    {"Europe/Kyiv", "Europe/Kiev", absl::CivilDay(2024, 10, 27)},
    {"Europe/Kyiv", "Europe/Kiev", absl::CivilDay(2025, 3, 30)},
    {"Europe/Kyiv", "Europe/Kiev", absl::CivilDay(2025, 10, 26)},
    {"Europe/Kyiv", "Europe/Kiev", absl::CivilDay(2026, 3, 29)},
    {"Europe/Kyiv", "Europe/Kiev", absl::CivilDay(2026, 10, 25)},
    {"Europe/Kyiv", "Europe/Kiev", absl::CivilDay(2026, 7, 1)},
    {"America/New_York", "America/New_York", absl::CivilDay(2026, 3, 8)},
    {"America/New_York", "America/New_York", absl::CivilDay(2026, 11, 1)},
    // Half an hour.
    {"Australia/Lord_Howe", "Australia/Lord_Howe", absl::CivilDay(2026, 4, 5)},
    {"Australia/Lord_Howe", "Australia/Lord_Howe", absl::CivilDay(2026, 10, 4)},
    // East of Greenwich and at midnight.
    {"Asia/Beirut", "Asia/Beirut", absl::CivilDay(2026, 3, 29)},
    {"Asia/Beirut", "Asia/Beirut", absl::CivilDay(2026, 10, 25)},
    // A whole day that never was.
    {"Pacific/Apia", "Pacific/Apia", absl::CivilDay(2011, 12, 30)},
};

INSTANTIATE_TEST_SUITE_P(Changes, CivilInstantTest, ::testing::ValuesIn(kChanges), NameOf);

TEST(CivilInstantExampleTest, SkippedTimeIsNullAndRepeatedOneIsTheFirst) {
  testing::TestDatabase database;

  const auto row = database.Execute(
      "SELECT aquifer.civil_instant('2026-03-29 03:30') IS NULL, "
      "       aquifer.civil_instant('2026-10-25 03:30') = '2026-10-25 00:30Z'::timestamptz, "
      "       aquifer.civil_instant('2026-03-29 03:00') IS NULL, "
      "       aquifer.civil_instant('2026-03-29 04:00') = '2026-03-29 01:00Z'::timestamptz, "
      "       aquifer.civil_instant(NULL) IS NULL")[0];

  for (int i = 0; i < 5; ++i) EXPECT_TRUE(row[i].as<bool>()) << i;
}

TEST(CivilInstantExampleTest, BothNamesOfKyivMeanTheSame) {
  testing::TestDatabase database;
  const char* ask = "SELECT aquifer.civil_instant('2026-10-25 03:30')";

  const std::string kyiv = database.Execute(ask)[0][0].c_str();
  database.Execute("SET TimeZone = 'Europe/Kiev'");

  EXPECT_EQ(database.Execute(ask)[0][0].c_str(), kyiv);
}

}  // namespace
}  // namespace aquifer
