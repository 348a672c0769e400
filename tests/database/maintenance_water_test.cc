// Water-quality tests, the rating they give a machine, and the ranges of what is measured.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/testing/maintenance_test.h"

namespace aquifer {
namespace {

using testing::At;

class WaterQualityTest : public testing::MaintenanceTest {
 protected:
  absl::StatusOr<v1::RecordWaterQualityTestResponse> Record(const std::string& reading,
                                                            const std::string& rating = "GOOD",
                                                            const std::string& device_id = "1") {
    return Call(&MaintenanceRepository::RecordWaterQualityTest,
                "reading { device_id: '" + device_id + "' overall_rating: WATER_QUALITY_" + rating +
                    " " + reading + " }");
  }

  // Such as "GOOD 2000".
  std::string Rating(const std::string& device_id = "1") {
    const v1::Machine machine = GetMachine(device_id);
    return absl::StrCat(v1::WaterQuality_Name(machine.water_quality()).substr(14), " ",
                        machine.water_quality_tested_at().seconds());
  }

  // The instants of the tests a request lists.
  std::string Listed(const std::string& request) {
    const auto answer = Call(&MaintenanceRepository::ListWaterQualityTests, request);
    if (!answer.ok()) return std::string(answer.status().message());
    std::string text;
    for (const auto& test : answer->tests()) {
      absl::StrAppend(&text, text.empty() ? "" : " ", test.reading().tested_at().seconds());
    }
    return text;
  }
};

TEST_F(WaterQualityTest, ATestReadsBackExactlyAndRatesItsMachine) {
  CreateMachine("1");
  const std::string reading =
      "ph_hundredths: 725 tds_hundredths: 12345 chlorine_hundredths: 29 bacteria_per_millilitre: 0 "
      "notes: 'clear' tested_by: 'Olha' tested_at { seconds: 2000 nanos: 123456000 }";

  const auto recorded = Record(reading, "EXCELLENT");
  const auto listed = Call(&MaintenanceRepository::ListWaterQualityTests, "");

  ASSERT_TRUE(recorded.ok() && listed.ok());
  EXPECT_EQ(recorded->test().reading().DebugString(),
            testing::Parsed<v1::WaterQualityReading>(
                "device_id: '1' overall_rating: WATER_QUALITY_EXCELLENT " + reading)
                .DebugString());
  EXPECT_TRUE(recorded->machine_rated());
  EXPECT_EQ(listed->tests(0).DebugString(), recorded->test().DebugString());
  EXPECT_EQ(Rating(), "EXCELLENT 2000");
  EXPECT_EQ(Value("SELECT concat_ws(' ', ph, tds, chlorine) FROM aquifer.water_quality_tests"),
            "7.25 123.45 0.29");
}

TEST_F(WaterQualityTest, AMeasureThatWasNotTakenIsNotSet) {
  CreateMachine("1");

  const auto recorded = Record("");

  ASSERT_TRUE(recorded.ok()) << recorded.status();
  const v1::WaterQualityReading& reading = recorded->test().reading();
  EXPECT_FALSE(reading.has_ph_hundredths() || reading.has_tds_hundredths() ||
               reading.has_chlorine_hundredths() || reading.has_bacteria_per_millilitre());
  EXPECT_TRUE(reading.has_tested_at());
}

TEST_F(WaterQualityTest, AnOlderTestNeverOverwritesTheRatingOfANewerOne) {
  CreateMachine("1");
  ASSERT_TRUE(Record(At("tested_at", 2000), "GOOD").ok());

  const auto older = Record(At("tested_at", 1999), "CRITICAL");
  EXPECT_FALSE(older->machine_rated());
  EXPECT_EQ(Rating(), "GOOD 2000");

  const auto same = Record(At("tested_at", 2000), "FAIR");
  EXPECT_TRUE(same->machine_rated());
  EXPECT_EQ(Rating(), "FAIR 2000");

  const auto newer = Record(At("tested_at", 2001), "POOR");
  EXPECT_TRUE(newer->machine_rated());
  EXPECT_EQ(Rating(), "POOR 2001");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.water_quality_tests"), "4");
}

TEST_F(WaterQualityTest, ATestOfNoMachineOrOfTheFutureIsRefused) {
  CreateMachine("1");

  const auto nowhere = Record("", "GOOD", "9");
  const auto future = Record(At("tested_at", 253402300799));

  EXPECT_EQ(ReasonOf(nowhere.status()), "MACHINE_NOT_FOUND");
  EXPECT_EQ(future.status().message(), "reading.tested_at must not be in the future");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.water_quality_tests"), "0");
  EXPECT_EQ(GetMachine("1").version(), 1);
}

TEST_F(WaterQualityTest, ListsAreFilteredNewestFirst) {
  CreateMachine("1");
  CreateMachine("2");
  ASSERT_TRUE(Record(At("tested_at", 1774785600), "GOOD", "1").ok());
  ASSERT_TRUE(Record(At("tested_at", 1774785700), "POOR", "2").ok());
  ASSERT_TRUE(Record(At("tested_at", 1774872000), "POOR", "1").ok());

  EXPECT_EQ(Listed(""), "1774872000 1774785700 1774785600");
  EXPECT_EQ(Listed("device_ids: '1'"), "1774872000 1774785600");
  EXPECT_EQ(Listed("device_ids: '1' device_ids: '2' ratings: WATER_QUALITY_POOR"),
            "1774872000 1774785700");
  EXPECT_EQ(Listed("ratings: WATER_QUALITY_GOOD ratings: WATER_QUALITY_FAIR"), "1774785600");
  const std::string day =
      "days { first { year: 2026 month: 3 day: 29 } "
      "last { year: 2026 month: 3 day: 29 } } ";
  EXPECT_EQ(Listed(day), "1774785700 1774785600");
  EXPECT_EQ(Listed(day + "device_ids: '1'"), "1774785600");
  EXPECT_EQ(Listed("instants { start { seconds: 1774785700 } end { seconds: 1774872000 } }"),
            "1774785700");
  EXPECT_EQ(Listed("ratings: WATER_QUALITY_UNSPECIFIED"), "ratings must not hold UNSPECIFIED");
}

TEST_F(WaterQualityTest, ListsArePagedAlsoWithinOneInstant) {
  CreateMachine("1");
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(Record(At("tested_at", 1000 + i / 10)).ok());
  }
  for (const char* filter : {"", "device_ids: '1'"}) {
    auto request = testing::Parsed<v1::ListWaterQualityTestsRequest>(filter);
    request.set_page_size(7);
    std::string ids;
    do {
      const auto answer = Call(&MaintenanceRepository::ListWaterQualityTests, request);
      ASSERT_TRUE(answer.ok()) << answer.status();
      for (const auto& test : answer->tests()) absl::StrAppend(&ids, test.id(), " ");
      request.set_page_token(answer->next_page_token());
    } while (!request.page_token().empty());

    EXPECT_EQ(ids, Value("SELECT string_agg(id::text, ' ' ORDER BY id DESC) || ' ' "
                         "FROM aquifer.water_quality_tests"));
  }
}

class DomainRule11MaintenanceTest : public WaterQualityTest {
 protected:
  // What a request refuses, empty if it is taken.
  template <typename Response, typename Request>
  std::string Refused(absl::StatusOr<Response> (MaintenanceRepository::*method)(const Request&),
                      const std::string& request) {
    return std::string(Call(method, request).status().message());
  }
};

TEST_F(DomainRule11MaintenanceTest, EveryMeasureIsCheckedAndItsRangeFitsItsColumn) {
  CreateMachine("1");
  const struct {
    const char* field;
    std::int64_t greatest;
  } kMeasures[] = {{"ph_hundredths", 1400},
                   {"tds_hundredths", 9999999},
                   {"chlorine_hundredths", 10000},
                   {"bacteria_per_millilitre", std::numeric_limits<std::int32_t>::max()}};
  for (const auto& [field, greatest] : kMeasures) {
    for (const std::int64_t value : {std::int64_t{0}, greatest}) {
      const auto taken = Record(absl::StrCat(field, ": ", value));

      ASSERT_TRUE(taken.ok()) << field << taken.status();
      EXPECT_NE(taken->test().reading().DebugString().find(absl::StrCat(field, ": ", value)),
                std::string::npos);
    }
    EXPECT_EQ(Record(absl::StrCat(field, ": -1")).status().message(),
              absl::StrCat("reading.", field, " must be at least 0"));
    if (greatest == std::numeric_limits<std::int32_t>::max()) continue;
    EXPECT_EQ(Record(absl::StrCat(field, ": ", greatest + 1)).status().message(),
              absl::StrCat("reading.", field, " must be at most ", greatest));
  }
}

TEST_F(DomainRule11MaintenanceTest, PercentagesAndMachineFiguresAreCheckedAndFit) {
  const struct {
    const char* field;
    std::int64_t greatest;
  } kFigures[] = {{"water_level_percent", 100},
                  {"filter_life_days", 36500},
                  {"daily_sales_millilitres", 999999999999},
                  {"monthly_sales_millilitres", 999999999999}};
  CreateMachine("1");
  std::int64_t version = 1;
  for (const auto& [field, greatest] : kFigures) {
    const auto update = [&, name = field](std::int64_t value) {
      return Refused(&MaintenanceRepository::UpdateMachine,
                     absl::StrCat("device_id: '1' version: ", version, " details { ", name, ": ",
                                  value, " } update_mask { paths: '", name, "' }"));
    };

    EXPECT_EQ(update(-1), absl::StrCat("details.", field, " must be at least 0"));
    EXPECT_EQ(update(greatest + 1), absl::StrCat("details.", field, " must be at most ", greatest));
    EXPECT_EQ(update(greatest), "");
    CreateMachine("1", absl::StrCat(field, ": ", greatest));
    ++version;
  }
  EXPECT_EQ(GetMachine("1").details().monthly_sales_millilitres(), 999999999999);
}

TEST_F(DomainRule11MaintenanceTest, TheTablesThemselvesRefuseWhatIsOutOfRange) {
  CreateMachine("1");
  ASSERT_TRUE(Record("ph_hundredths: 700").ok());

  for (const char* bad :
       {"water_quality_tests SET ph = 14.01", "water_quality_tests SET ph = -0.01",
        "water_quality_tests SET chlorine = 100.01", "water_quality_tests SET tds = -1",
        "water_quality_tests SET bacteria_per_millilitre = -1",
        "machines SET water_level_percent = 101", "machines SET water_level_percent = -1",
        "machines SET filter_life_days = -1", "machines SET daily_sales_litres = -1",
        "machines SET water_quality = NULL", "machines SET alerts = '{NULL}'"}) {
    EXPECT_THROW(database_.Execute(std::string("UPDATE aquifer.") + bad), pqxx::sql_error) << bad;
  }
}

TEST_F(DomainRule11MaintenanceTest, TheWidestTextsAndEarliestInstantsFit) {
  std::string wide;
  for (int i = 0; i < 2000; ++i) wide += "🚰";
  const auto text = [&](std::size_t characters) {
    return "'" + wide.substr(0, characters * 4) + "' ";
  };
  CreateMachine(
      "1", "name: " + text(256) + "location: " + text(500) + "alerts { texts: " + text(500) + "}");
  CreateTechnician("name: " + text(200) + "phone: " + text(64) + "email: " + text(256) +
                   "current_location: " + text(500));
  CreateTask("description: " + text(2000) + "location: " + text(500) + "estimated_duration: " +
             text(100) + "parts_needed: " + text(1000) + At("scheduled_at", -62135596800));
  CreateTask(At("scheduled_at", 253402300799));

  EXPECT_TRUE(Record("notes: " + text(2000) + "tested_by: " + text(200)).ok());
  EXPECT_EQ(Value("SELECT string_agg(id::text, ' ' ORDER BY due_at) "
                  "FROM aquifer.maintenance_tasks"),
            "1 2");
}

}  // namespace
}  // namespace aquifer
