#include "server/telemetry/metrics.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aquifer {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

void Note(Metrics& metrics, absl::string_view statement, int times, absl::Duration each) {
  for (int i = 0; i < times; ++i) metrics.StatementDone(statement, each);
}

TEST(MetricsTest, CostliestStatementsComeByWhatTheyTookInAll) {
  Metrics metrics;
  Note(metrics, "often", 1000, absl::Milliseconds(2));
  Note(metrics, "slow", 1, absl::Milliseconds(900));
  Note(metrics, "cheap", 3, absl::Milliseconds(1));

  EXPECT_THAT(metrics.CostliestStatements(2), ElementsAre(Field(&StatementFigures::name, "often"),
                                                          Field(&StatementFigures::name, "slow")));
  EXPECT_EQ(metrics.CostliestStatements(10).size(), 3u);
  EXPECT_THAT(Metrics().CostliestStatements(10), IsEmpty());
}

TEST(MetricsTest, StatementHasItsCountItsSumAndTheBoundsOfItsQuantile) {
  Metrics metrics;
  Note(metrics, "get", 198, absl::Milliseconds(2));
  Note(metrics, "get", 2, absl::Milliseconds(700));

  const StatementFigures two_of_200 = metrics.CostliestStatements(1).front();
  Note(metrics, "get", 1, absl::Milliseconds(700));
  const StatementFigures three_of_201 = metrics.CostliestStatements(1).front();

  EXPECT_EQ(two_of_200.count, 200);
  EXPECT_NEAR(absl::ToDoubleSeconds(two_of_200.total), 1.796, 1e-6);
  EXPECT_NEAR(absl::ToDoubleSeconds(two_of_200.Mean()), 0.00898, 1e-6);
  EXPECT_EQ(two_of_200.p99_above, absl::Milliseconds(1));
  EXPECT_EQ(two_of_200.p99_at_most, absl::Microseconds(2500));
  EXPECT_EQ(three_of_201.p99_above, absl::Milliseconds(500));
  EXPECT_EQ(three_of_201.p99_at_most, absl::Seconds(1));
}

TEST(MetricsTest, QuantileBelowTheFirstBoundOrBeyondTheLastIsSaidToBe) {
  Metrics metrics;
  Note(metrics, "quick", 1, absl::Microseconds(1));
  Note(metrics, "endless", 1, absl::Seconds(31));

  const auto figures = metrics.CostliestStatements(10);

  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].p99_above, absl::Seconds(30));
  EXPECT_EQ(figures[0].p99_at_most, absl::InfiniteDuration());
  EXPECT_EQ(figures[1].p99_above, absl::ZeroDuration());
  EXPECT_EQ(figures[1].p99_at_most, absl::Microseconds(100));
}

}  // namespace
}  // namespace aquifer
