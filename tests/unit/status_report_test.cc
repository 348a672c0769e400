#include "server/status_report.h"

#include <google/protobuf/util/message_differencer.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "repositories/errors.h"

namespace aquifer {
namespace {

using google::protobuf::util::TimeUtil;

TEST(StatusReportTest, StatementCarriesEveryFigure) {
  const v1::StatementStatus status = ToStatus({.name = "collections.get",
                                               .count = 4,
                                               .total = absl::Milliseconds(6002),
                                               .p99_above = absl::Seconds(1),
                                               .p99_at_most = absl::Milliseconds(2500)});

  EXPECT_EQ(status.name(), "collections.get");
  EXPECT_EQ(status.count(), 4);
  EXPECT_EQ(TimeUtil::ToString(status.total()), "6.002s");
  EXPECT_EQ(TimeUtil::ToString(status.mean()), "1.500500s");
  EXPECT_EQ(TimeUtil::ToString(status.p99_above()), "1s");
  EXPECT_EQ(TimeUtil::ToString(status.p99_at_most()), "2.500s");
}

TEST(StatusReportTest, QuantileBeyondTheLastBoundHasNoUpperOne) {
  const v1::StatementStatus status = ToStatus({.name = "endless",
                                               .count = 1,
                                               .total = absl::Seconds(31),
                                               .p99_above = absl::Seconds(30),
                                               .p99_at_most = absl::InfiniteDuration()});

  EXPECT_FALSE(status.has_p99_at_most());
  EXPECT_EQ(status.p99_above().seconds(), 30);
}

TEST(StatusReportTest, OpenBreakerTellsSinceWhenWhyAndWhenItIsTried) {
  PoolFigures figures;
  figures.breaker = {.state = BreakerState::kOpen,
                     .since = absl::FromUnixMillis(1'700'000'000'250),
                     .next_attempt_in = absl::Milliseconds(1750),
                     .reason = "DATABASE_UNAVAILABLE",
                     .message = "the database cannot be reached"};

  const v1::BreakerStatus status = ToStatus(figures).breaker();

  EXPECT_EQ(status.state(), v1::BREAKER_STATE_OPEN);
  EXPECT_EQ(TimeUtil::TimestampToMilliseconds(status.since()), 1'700'000'000'250);
  EXPECT_EQ(TimeUtil::ToString(status.next_attempt_in()), "1.750s");
  EXPECT_EQ(status.reason(), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(status.message(), "the database cannot be reached");
}

TEST(StatusReportTest, BreakerThatNeverOpenedIsClosedAndNothingElse) {
  v1::BreakerStatus expected;
  expected.set_state(v1::BREAKER_STATE_CLOSED);

  EXPECT_TRUE(
      google::protobuf::util::MessageDifferencer::Equals(ToStatus(BreakerFigures()), expected));
}

}  // namespace
}  // namespace aquifer
