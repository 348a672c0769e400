#include "server/health/health_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace aquifer {
namespace {

using ::testing::HasSubstr;

// Everything the checks look at, healthy until a test changes it.
struct Figures {
  Figures() {
    database.facts = {.version = "15.8",
                      .role = DatabaseRole::kPrimary,
                      .schema_version = 5,
                      .max_connections = 100,
                      .connections = 10,
                      .latency = absl::Milliseconds(1)};
    database.seen_at = absl::FromUnixSeconds(1'700'000'000);
    database.trouble = "";
    database.schema_min = 4;
    database.schema_max = 5;
    pool.set_max_size(20);
    pool.set_active(3);
    queue.set_capacity(1000);
  }

  DatabaseView database;
  v1::PoolStatus pool;
  v1::QueueStatus queue;
};

struct Case {
  const char* name;
  std::function<void(Figures&)> arrange;
  const char* check;
  v1::HealthLevel level;
  const char* message;
  const char* recommendation;
};

const v1::HealthCheck* Find(const v1::HealthReport& report, const std::string& name) {
  for (const v1::HealthCheck& check : report.checks()) {
    if (check.name() == name) return &check;
  }
  return nullptr;
}

class HealthChecksTest : public ::testing::TestWithParam<Case> {};

TEST_P(HealthChecksTest, JudgesByTheTable) {
  const Case& expected = GetParam();
  Figures figures;
  expected.arrange(figures);

  const v1::HealthReport report = MakeHealthReport(figures.database, figures.pool, figures.queue);

  const v1::HealthCheck* check = Find(report, expected.check);
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->level(), expected.level);
  EXPECT_THAT(check->message(), HasSubstr(expected.message));
  EXPECT_THAT(check->recommendation(), HasSubstr(expected.recommendation));
  EXPECT_EQ(report.level(), expected.level);
  EXPECT_EQ(check->recommendation().empty(), expected.level == v1::HEALTH_LEVEL_HEALTHY);
}

INSTANTIATE_TEST_SUITE_P(
    Figures, HealthChecksTest,
    ::testing::Values(
        Case{"Answers", [](Figures&) {}, "connectivity", v1::HEALTH_LEVEL_HEALTHY,
             "PostgreSQL 15.8 answers as primary.", ""},
        Case{"DoesNotAnswer", [](Figures& f) { f.database.trouble = "Connection refused"; },
             "connectivity", v1::HEALTH_LEVEL_UNHEALTHY, "does not answer: Connection refused.",
             "PostgreSQL runs"},
        Case{"Standby", [](Figures& f) { f.database.facts.role = DatabaseRole::kStandby; },
             "connectivity", v1::HEALTH_LEVEL_DEGRADED, "writes are refused", "primary"},
        Case{"FewConnectionsLeft", [](Figures& f) { f.database.facts.connections = 90; },
             "connectivity", v1::HEALTH_LEVEL_DEGRADED, "90 of the database's 100",
             "max_connections"},
        Case{"EnoughConnectionsLeft", [](Figures& f) { f.database.facts.connections = 89; },
             "connectivity", v1::HEALTH_LEVEL_HEALTHY, "answers", ""},
        Case{"NewestSchema", [](Figures&) {}, "schema", v1::HEALTH_LEVEL_HEALTHY, "version 5", ""},
        Case{"SchemaWithinTheWindow", [](Figures& f) { f.database.facts.schema_version = 4; },
             "schema", v1::HEALTH_LEVEL_HEALTHY, "version 4", ""},
        Case{"SchemaTooOld", [](Figures& f) { f.database.facts.schema_version = 3; }, "schema",
             v1::HEALTH_LEVEL_UNHEALTHY, "version 4 is the oldest", "migrate up"},
        Case{"SchemaMissing", [](Figures& f) { f.database.facts.schema_version = 0; }, "schema",
             v1::HEALTH_LEVEL_UNHEALTHY, "at version 0", "migrate up"},
        Case{"SchemaTooNew", [](Figures& f) { f.database.facts.schema_version = 6; }, "schema",
             v1::HEALTH_LEVEL_UNHEALTHY, "version 5 is the newest", "newer server"},
        Case{"NeverSeen", [](Figures& f) { f.database = DatabaseView(); }, "schema",
             v1::HEALTH_LEVEL_UNHEALTHY, "not been seen", "reachable"},
        Case{"FastEnough", [](Figures& f) { f.database.facts.latency = absl::Milliseconds(99); },
             "performance", v1::HEALTH_LEVEL_HEALTHY, "99ms", ""},
        Case{"Slow", [](Figures& f) { f.database.facts.latency = absl::Milliseconds(100); },
             "performance", v1::HEALTH_LEVEL_DEGRADED, "100ms", "long statements"},
        Case{"PoolHasRoom", [](Figures& f) { f.pool.set_active(15); }, "pool",
             v1::HEALTH_LEVEL_HEALTHY, "15 of 20", ""},
        Case{"PoolIsBusy", [](Figures& f) { f.pool.set_active(16); }, "pool",
             v1::HEALTH_LEVEL_DEGRADED, "16 of 20", "more connections"},
        Case{"PoolHasWaiters", [](Figures& f) { f.pool.set_waiting(2); }, "pool",
             v1::HEALTH_LEVEL_DEGRADED, "2 callers wait", "slow statements"},
        Case{"PoolUnknown", [](Figures& f) { f.pool.Clear(); }, "pool", v1::HEALTH_LEVEL_HEALTHY,
             "0 of 0", ""},
        Case{"QueueHasRoom", [](Figures& f) { f.queue.set_queued(499); }, "queue",
             v1::HEALTH_LEVEL_HEALTHY, "499 of at most 1000", ""},
        Case{"QueueFills", [](Figures& f) { f.queue.set_queued(500); }, "queue",
             v1::HEALTH_LEVEL_DEGRADED, "500 of at most 1000", "instances"},
        Case{"QueueIsFull", [](Figures& f) { f.queue.set_queued(1000); }, "queue",
             v1::HEALTH_LEVEL_DEGRADED, "is full", "instances"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(JudgeViewTest, StandbyServes) {
  Figures figures;
  figures.database.facts.role = DatabaseRole::kStandby;

  EXPECT_EQ(JudgeView(figures.database, PoolWarmth::kWarm).sign, Sign::kGood);
}

TEST(JudgeViewTest, NeedsDatabaseSchemaAndWarmPool) {
  Figures figures;
  const HealthLook cold = JudgeView(figures.database, PoolWarmth::kCold);
  figures.database.facts.schema_version = 3;
  const HealthLook old = JudgeView(figures.database, PoolWarmth::kWarm);
  figures.database.trouble = "Connection refused";
  const HealthLook gone = JudgeView(figures.database, PoolWarmth::kWarm);

  EXPECT_EQ(cold.sign, Sign::kBad);
  EXPECT_THAT(cold.reason, HasSubstr("not warm"));
  EXPECT_EQ(old.sign, Sign::kBad);
  EXPECT_THAT(old.reason, HasSubstr("version 3, this server needs 4 to 5"));
  EXPECT_EQ(gone.sign, Sign::kBad);
  EXPECT_THAT(gone.reason, HasSubstr("Connection refused"));
}

TEST(ToStatusTest, CarriesEveryFigure) {
  const Figures figures;

  const v1::DatabaseStatus status = ToStatus(figures.database, "Europe/Kyiv");

  EXPECT_EQ(status.version(), "15.8");
  EXPECT_EQ(status.role(), "primary");
  EXPECT_EQ(status.schema_version(), 5);
  EXPECT_EQ(status.schema_min(), 4);
  EXPECT_EQ(status.schema_max(), 5);
  EXPECT_EQ(status.latency().nanos(), 1'000'000);
  EXPECT_EQ(status.seen_at().seconds(), 1'700'000'000);
  EXPECT_EQ(status.time_zone(), "Europe/Kyiv");
}

TEST(ToStatusTest, LeavesOutWhatWasNeverSeen) {
  const v1::DatabaseStatus status = ToStatus(DatabaseView(), "Europe/Kyiv");

  EXPECT_EQ(status.version(), "");
  EXPECT_EQ(status.role(), "");
  EXPECT_FALSE(status.has_seen_at());
  EXPECT_FALSE(status.has_latency());
}

}  // namespace
}  // namespace aquifer
