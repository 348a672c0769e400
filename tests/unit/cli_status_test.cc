#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "client/cli/status_screen.h"

namespace aquifer::cli {
namespace {

using google::protobuf::util::TimeUtil;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

v1::GetStatusResponse Healthy() {
  v1::GetStatusResponse status;
  status.mutable_health()->set_level(v1::HEALTH_LEVEL_HEALTHY);
  status.mutable_started_at()->set_seconds(1'700'000'000);
  status.mutable_uptime()->set_seconds(100);
  status.mutable_pool()->mutable_breaker()->set_state(v1::BREAKER_STATE_CLOSED);
  return status;
}

v1::StatementStatus Statement(const std::string& name, int count, int mean_us) {
  v1::StatementStatus statement;
  statement.set_name(name);
  statement.set_count(count);
  *statement.mutable_mean() = TimeUtil::MicrosecondsToDuration(mean_us);
  *statement.mutable_total() = TimeUtil::MicrosecondsToDuration(std::int64_t{count} * mean_us);
  *statement.mutable_p99_at_most() = TimeUtil::MicrosecondsToDuration(2500);
  return statement;
}

TEST(StatusScreenTest, ShowsSlowStatementsInColumns) {
  v1::GetStatusResponse status = Healthy();
  *status.add_statements() = Statement("collections.record", 12345, 1234);
  *status.add_statements() = Statement("workers.get", 7, 456);
  v1::StatementStatus& endless = *status.add_statements() = Statement("slow", 1, 31'000'000);
  endless.clear_p99_at_most();
  endless.mutable_p99_above()->set_seconds(30);

  EXPECT_THAT(StatusScreen(status, 10),
              EndsWith("\n"
                       "slow statements      runs    mean  99 % within  in all\n"
                       "collections.record  12345  1.23ms        2.5ms   15.2s\n"
                       "workers.get             7   456us        2.5ms  3.19ms\n"
                       "slow                    1     31s     over 30s     31s\n"));
}

TEST(StatusScreenTest, ShowsAsManyStatementsAsAskedFor) {
  v1::GetStatusResponse status = Healthy();
  for (const char* name : {"first", "second", "third"}) {
    *status.add_statements() = Statement(name, 1, 1);
  }

  EXPECT_THAT(StatusScreen(status, 2), HasSubstr("second"));
  EXPECT_THAT(StatusScreen(status, 2), Not(HasSubstr("third")));
  EXPECT_THAT(StatusScreen(Healthy(), 2), Not(HasSubstr("statements")));
}

TEST(StatusScreenTest, TellsWhyCallsAreRefused) {
  v1::GetStatusResponse status = Healthy();
  v1::BreakerStatus& breaker = *status.mutable_pool()->mutable_breaker();
  breaker.set_state(v1::BREAKER_STATE_OPEN);
  breaker.mutable_since()->set_seconds(1'700'000'088);
  *breaker.mutable_next_attempt_in() = TimeUtil::MillisecondsToDuration(3456);
  breaker.set_reason("DATABASE_UNAVAILABLE");
  breaker.set_message("the database cannot be reached");

  EXPECT_THAT(StatusScreen(status, 10),
              HasSubstr("breaker   open for 12s, tries to connect in 3.45s: the database cannot be "
                        "reached (DATABASE_UNAVAILABLE)\n"));
  breaker.set_state(v1::BREAKER_STATE_HALF_OPEN);
  breaker.clear_next_attempt_in();
  EXPECT_THAT(StatusScreen(status, 10),
              HasSubstr("breaker   half-open for 12s, trying to connect: the database"));
}

TEST(StatusScreenTest, ClosedBreakerIsOneWordAndAServerWithoutOneShowsNone) {
  EXPECT_THAT(StatusScreen(Healthy(), 10), HasSubstr("breaker   closed\n"));
  EXPECT_THAT(StatusScreen({}, 10), Not(HasSubstr("breaker")));
}

}  // namespace
}  // namespace aquifer::cli
