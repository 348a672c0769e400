// A database that is away, refuses, or has no room: the documented error at once, and service again
// by itself.
#include <iostream>

#include "tests/faults/faults_test.h"

namespace aquifer::testing {
namespace {

using ::testing::HasSubstr;

class OutageTest : public FaultsTest {
 protected:
  void EndSessions() {
    postgres_.Execute(absl::StrCat(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '", kOwnRole,
        "'"));
  }

  OwnPostgres postgres_{{"max_connections=12", "superuser_reserved_connections=3"}};
};

TEST_F(OutageTest, CallsFailAtOnceWhileTheDatabaseIsAwayAndAreServedSoonAfterItsReturn) {
  constexpr int kRounds = 3;
  StartServer(postgres_.Url());
  ASSERT_TRUE(Record(0).ok());
  std::vector<absl::Duration> recoveries;
  std::vector<absl::Duration> failures;

  for (int round = 0; round < kRounds; ++round) {
    const double tried = Series("aquifer_pool_connect_failures_total");
    postgres_.Stop();
    ASSERT_TRUE(AwaitReason("DATABASE_UNAVAILABLE"));
    // Long enough that the pauses have grown beyond the monitor's.
    ASSERT_TRUE(
        Eventually([&] { return Series("aquifer_pool_connect_failures_total") >= tried + 4; }));
    EXPECT_EQ(Series("aquifer_breaker_state{state=\"closed\"}"), 0);
    const v1::BreakerStatus breaker = Breaker();
    EXPECT_NE(breaker.state(), v1::BREAKER_STATE_CLOSED);
    EXPECT_EQ(breaker.reason(), "DATABASE_UNAVAILABLE") << breaker.message();
    EXPECT_GT(breaker.since().seconds(), 0);
    for (int call = 0; call < 25; ++call) {
      const absl::Time began = absl::Now();
      const grpc::Status status = Record(0);
      failures.push_back(absl::Now() - began);
      EXPECT_EQ(ReasonIn(status), "DATABASE_UNAVAILABLE") << status.error_message();
      EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(status)) << "without advice";
    }

    postgres_.Start();
    recoveries.push_back(AwaitService(absl::Now()));
  }

  std::cout << "PostgreSQL stopped: calls are refused within " << Spread(failures)
            << "; served again after its return within " << Spread(recoveries) << "\n";
  EXPECT_EQ(Events("connected"), 1);
  EXPECT_EQ(Events("lost"), kRounds);
  EXPECT_EQ(Events("reconnected"), kRounds);
  EXPECT_GE(Events("reconnect_failed"), kRounds);
  EXPECT_EQ(Series("aquifer_breaker_state{state=\"closed\"}"), 1);
  EXPECT_EQ(Breaker().state(), v1::BREAKER_STATE_CLOSED);
  EXPECT_EQ(Breaker().reason(), "");
  EXPECT_THAT(server_->Log(), HasSubstr(R"("event":"database_lost")"));
}

TEST_F(OutageTest, ChangedPasswordIsRefusedAndTriedRarelyUntilItFits) {
  StartServer(postgres_.Url());
  ASSERT_TRUE(Record(0).ok());

  postgres_.Execute(absl::StrCat("ALTER ROLE ", kOwnRole, " PASSWORD 'other'"));
  EXPECT_TRUE(Record(0).ok()) << "connections that are open go on";
  EndSessions();
  ASSERT_TRUE(AwaitReason("DATABASE_REFUSED"));
  const double tried = Series("aquifer_pool_connect_failures_total");
  for (int call = 0; call < 100; ++call) EXPECT_EQ(ReasonIn(Record(0)), "DATABASE_REFUSED");
  // A hundred calls, and at most the attempts that a second or two have room for.
  EXPECT_LE(Series("aquifer_pool_connect_failures_total"), tried + 3);

  postgres_.Execute(absl::StrCat("ALTER ROLE ", kOwnRole, " PASSWORD '", kOwnPassword, "'"));
  std::cout << "password set back: served again after " << AwaitService(absl::Now()) << "\n";
}

TEST_F(OutageTest, DatabaseWithoutASlotLeftIsUnavailableUntilThereIsOne) {
  StartServer(postgres_.Url(), {"--pool-min", "0"});
  ASSERT_TRUE(Record(0).ok());

  std::vector<std::unique_ptr<pqxx::connection>> strangers;
  EndSessions();
  EXPECT_TRUE(Eventually([&] {
    try {
      strangers.push_back(std::make_unique<pqxx::connection>(postgres_.Url()));
    } catch (const pqxx::broken_connection&) {
      return ReasonIn(Record(0)) == "DATABASE_UNAVAILABLE";
    }
    return false;
  }));
  EXPECT_THAT(Record(0).error_message(), HasSubstr("no connection slot left"));

  strangers.clear();
  std::cout << "slots free again: served again after " << AwaitService(absl::Now()) << "\n";
}

}  // namespace
}  // namespace aquifer::testing
