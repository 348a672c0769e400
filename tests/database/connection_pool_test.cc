#include "server/database/connection_pool.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <atomic>
#include <thread>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/pool_fixture.h"

namespace aquifer {
namespace {

class ConnectionPoolTest : public testing::PoolFixture {
 protected:
  static std::string Show(Connection& connection, const std::string& setting) {
    return pqxx::nontransaction(connection.pqxx()).exec("SHOW " + setting)[0][0].c_str();
  }

  ConnectionSettings Settings() {
    ConnectionSettings settings;
    settings.url = database_.url();
    settings.application_name = "aquifer/test";
    return settings;
  }

  absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionSettings& settings) {
    return Connection::Open(settings, Soon(), &detail_);
  }

  std::string detail_;
};

TEST_F(ConnectionPoolTest, DoesNotConnectBeforeItIsAsked) {
  ConnectionPool pool(PoolOf(4), log_);

  EXPECT_EQ(pool.Figures().opened, 0);
  EXPECT_EQ(Sessions(), 0);
}

TEST_F(ConnectionPoolTest, WarmOpensWhatItKeeps) {
  ConnectionPoolOptions options = PoolOf(4);
  options.pool.min = 3;
  ConnectionPool pool(options, log_);

  EXPECT_TRUE(pool.Warm(Soon()).ok());

  EXPECT_EQ(pool.Figures().idle, 3);
  EXPECT_EQ(Sessions(), 3);
}

TEST_F(ConnectionPoolTest, WarmSaysWhyItCannot) {
  ConnectionPoolOptions options = PoolOf(4);
  options.pool.min = 1;
  options.database.url = "postgresql://somebody:hunter2@127.0.0.1:1/nowhere";
  ConnectionPool pool(options, log_);

  const absl::Status status = pool.Warm(absl::Now() + absl::Milliseconds(200));

  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(status.ToString().find("hunter2"), std::string::npos);
}

TEST_F(ConnectionPoolTest, SessionsHaveTheirSettingsWithoutAStatement) {
  auto connection = Open(Settings());

  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(Show(**connection, "TimeZone"), "Europe/Kyiv");
  EXPECT_EQ(Show(**connection, "application_name"), "aquifer/test");
  EXPECT_EQ(Show(**connection, "client_encoding"), "UTF8");
  EXPECT_EQ(Show(**connection, "idle_in_transaction_session_timeout"), "1min");
  EXPECT_EQ(Show(**connection, "lock_timeout"), "10s");
  EXPECT_EQ(Show(**connection, "default_transaction_isolation"), "read committed");
}

TEST_F(ConnectionPoolTest, ParametersOfTheUrlWin) {
  ConnectionSettings settings = Settings();
  settings.url = absl::StrCat(
      absl::StrReplaceAll(settings.url, {{"TimeZone%3DEurope%2FKyiv", "lock_timeout%3D3s"}}),
      "&application_name=mine");

  auto connection = Open(settings);

  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(Show(**connection, "application_name"), "mine");
  EXPECT_EQ(Show(**connection, "lock_timeout"), "3s");
  EXPECT_EQ(Show(**connection, "TimeZone"), "Europe/Kyiv");
}

TEST_F(ConnectionPoolTest, LongInstanceNamesAreCut) {
  ConnectionSettings settings = Settings();
  settings.application_name = "aquifer/" + std::string(100, 'x');

  auto connection = Open(settings);

  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(Show(**connection, "application_name").size(), 63);
}

TEST_F(ConnectionPoolTest, EitherNameOfKyivWorks) {
  ConnectionSettings settings = Settings();
  settings.time_zone = "Europe/Kiev";

  auto connection = Open(settings);

  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(Show(**connection, "TimeZone"), "Europe/Kiev");
}

TEST_F(ConnectionPoolTest, UnknownTimeZoneIsNamed) {
  ConnectionSettings settings = Settings();
  settings.time_zone = "Europe/Atlantis";

  const absl::Status status = Open(settings).status();

  EXPECT_EQ(ReasonOf(status), "SETTING_REFUSED");
  EXPECT_TRUE(absl::StrContains(status.message(), "Europe/Atlantis")) << status;
}

TEST_F(ConnectionPoolTest, MissingDatabaseIsRefused) {
  ConnectionSettings settings = Settings();
  settings.url = testing::TestPostgres().UrlOf("nowhere");

  const absl::Status status = Open(settings).status();

  EXPECT_EQ(ReasonOf(status), "DATABASE_REFUSED");
  EXPECT_EQ(status.message(), "the database does not exist");
}

TEST_F(ConnectionPoolTest, MissingRoleIsRefused) {
  ConnectionSettings settings = Settings();
  absl::StrAppend(&settings.url, "&user=nobody_we_know&password=hunter2");

  const absl::Status status = Open(settings).status();

  EXPECT_EQ(ReasonOf(status), "DATABASE_REFUSED");
  EXPECT_EQ(absl::StrCat(status.ToString(), detail_).find("hunter2"), std::string::npos);
}

TEST_F(ConnectionPoolTest, UnreadableUrlShowsNothingOfItself) {
  ConnectionSettings settings = Settings();
  settings.url = "postgresql://a:hunter2@[::1/x?y=z";

  const absl::Status status = Open(settings).status();

  EXPECT_FALSE(status.ok());
  EXPECT_EQ(absl::StrCat(status.ToString(), detail_).find("hunter2"), std::string::npos) << detail_;
}

TEST_F(ConnectionPoolTest, DeadConnectionIsRecognisedWithoutAsking) {
  auto connection = Open(Settings());
  ASSERT_TRUE(connection.ok());
  EXPECT_TRUE((*connection)->Reusable());

  TerminateBackends();

  EXPECT_FALSE((*connection)->Reusable());
}

TEST_F(ConnectionPoolTest, BrokenConnectionNeverReconnectsByItself) {
  auto connection = Open(Settings());
  ASSERT_TRUE(connection.ok());
  TerminateBackends();

  EXPECT_THROW(Show(**connection, "TimeZone"), pqxx::broken_connection);
  EXPECT_THROW(Show(**connection, "TimeZone"), pqxx::broken_connection);
  EXPECT_EQ(Sessions(), 0);
}

TEST_F(ConnectionPoolTest, MaxHoldsUnderManyThreads) {
  constexpr int kThreads = 16;
  constexpr int kRounds = 40;
  ConnectionPool pool(PoolOf(4), log_);
  TransactionRunner runner(pool);
  constexpr Statement kSessions = {"test.sessions", R"sql(
    SELECT count(*)
    FROM pg_stat_activity
    WHERE datname = current_database()
      AND application_name = 'aquifer/test')sql"};
  std::atomic<int> most{0};
  std::atomic<int> served{0};
  std::vector<std::thread> threads;

  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        Receipt receipt;
        const absl::Status status = runner.Run(
            {.method = "Hammer", .mode = TransactionMode::kReadOnly, .deadline = Soon()},
            [&](Session& session) {
              const int seen = session.Run(kSessions)[0][0].as<int>();
              for (int was = most; was < seen && !most.compare_exchange_weak(was, seen);) {
              }
              return absl::OkStatus();
            },
            receipt);
        if (status.ok()) ++served;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  const PoolFigures figures = pool.Figures();
  EXPECT_EQ(served, kThreads * kRounds);
  EXPECT_LE(most, 4);
  EXPECT_EQ(figures.active, 0);
  EXPECT_EQ(figures.waiting, 0);
  EXPECT_EQ(figures.opened, figures.idle);
  EXPECT_TRUE(pool.Close(Soon()).ok());
  EXPECT_EQ(pool.Figures().Closed(CloseReason::kShutdown), figures.opened);
}

TEST_F(ConnectionPoolTest, HousekeeperReplacesWhatAnAdministratorEnded) {
  ConnectionPoolOptions options = PoolOf(4);
  options.pool.min = 2;
  options.maintenance_interval = absl::Milliseconds(20);
  ConnectionPool pool(options, log_);
  ASSERT_TRUE(pool.Warm(Soon()).ok());

  TerminateBackends();
  pool.Outdate();

  EXPECT_TRUE(pool.Warm(Soon()).ok());
  EXPECT_EQ(pool.Figures().idle, 2);
  EXPECT_EQ(Sessions(), 2);
}

}  // namespace
}  // namespace aquifer
