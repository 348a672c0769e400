#include "server/health/health_monitor.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/testing/temporary_directory.h"
#include "tests/testing/test_database.h"

namespace aquifer {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Keeps every status of readiness in the order in which it was told.
class Recorder : public HealthWatcher {
 public:
  explicit Recorder(const HealthState& state) : state_(state) {}

  void OnHealthChanged() override {
    const bool ready = *state_.StatusOf("readiness") == ServingStatus::kServing;
    absl::MutexLock lock(&mutex_);
    if (seen_.empty() || seen_.back() != ready) seen_.push_back(ready);
  }

  std::vector<bool> seen() const {
    absl::MutexLock lock(&mutex_);
    return seen_;
  }
  std::optional<bool> last() const {
    absl::MutexLock lock(&mutex_);
    return seen_.empty() ? std::nullopt : std::optional<bool>(seen_.back());
  }

 private:
  const HealthState& state_;
  mutable absl::Mutex mutex_;
  std::vector<bool> seen_ ABSL_GUARDED_BY(mutex_);
};

class HealthMonitorTest : public ::testing::Test {
 protected:
  // A monitor whose looks are quick and which needs no schema.
  HealthMonitorOptions Options(const std::string& url) {
    HealthMonitorOptions options;
    options.urls = {url};
    options.application_name = "the monitor";
    options.interval = absl::Milliseconds(50);
    options.interval_while_bad = absl::Milliseconds(50);
    options.pulse = absl::Milliseconds(10);
    options.executor_progress = [this] {
      absl::MutexLock lock(&mutex_);
      ++pulses_;
      return Progress::kMade;
    };
    return options;
  }

  void Start(HealthMonitorOptions options) {
    monitor_.emplace(std::move(options), state_);
    state_.Subscribe(recorder_);
    monitor_->Start();
  }

  // Asks at each pulse of the monitor, which no database can stop.
  bool Await(const std::function<bool()>& condition, absl::Duration patience = kPatience) {
    const absl::Time deadline = absl::Now() + patience;
    while (!condition()) {
      absl::MutexLock lock(&mutex_);
      const int seen = pulses_;
      const auto pulsed = [this, seen]()
                              ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return pulses_ != seen; };
      if (!mutex_.AwaitWithDeadline(absl::Condition(&pulsed), deadline)) return false;
    }
    return true;
  }

  bool Ready() const { return state_.StatusOf("readiness") == ServingStatus::kServing; }
  bool Alive() const { return state_.StatusOf("liveness") == ServingStatus::kServing; }
  // Until the recorder was told, which comes a moment after the state shows it.
  bool AwaitReady() {
    return Await([this] { return Ready() && recorder_->last() == true; });
  }
  bool AwaitNotReady() {
    return Await([this] { return !Ready() && recorder_->last() == false; });
  }
  bool AwaitReachable(bool reachable) {
    return Await([=, this] { return monitor_->View().reachable() == reachable; });
  }

  // The migrator's table as far as a look reads it.
  static void CreateMigrations(testing::TestDatabase& database) {
    database.Execute("CREATE SCHEMA aquifer");
    database.Execute(
        "CREATE TABLE aquifer.schema_migrations (version integer PRIMARY KEY, state text)");
  }

  // The process that serves the monitor's connection; 0 if there is none.
  static int BackendOf(testing::TestDatabase& database) {
    const pqxx::result found = database.Execute(
        "SELECT pid FROM pg_stat_activity"
        " WHERE application_name = 'the monitor' AND datname = current_database()");
    return found.empty() ? 0 : found[0][0].as<int>();
  }

  Log log_{LogLevel::kOff};
  HealthState state_{{}, log_};
  const std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>(state_);
  absl::Mutex mutex_;
  int pulses_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<PoolWarmth> warmth_ = PoolWarmth::kCold;
  std::optional<HealthMonitor> monitor_;
};

TEST_F(HealthMonitorTest, SeesTheDatabase) {
  testing::TestDatabase database(testing::Schema::kEmpty);
  const int major = testing::TestPostgres().major();

  Start(Options(database.url()));
  ASSERT_TRUE(AwaitReady());
  const DatabaseView view = monitor_->View();

  EXPECT_THAT(view.facts.version, StartsWith(absl::StrCat(major)));
  EXPECT_THAT(view.facts.version, Not(HasSubstr(" ")));
  EXPECT_EQ(view.facts.role, DatabaseRole::kPrimary);
  EXPECT_EQ(view.facts.max_connections, database.Execute("SHOW max_connections")[0][0].as<int>());
  EXPECT_GE(view.facts.connections, 1);
  EXPECT_GT(view.facts.latency, absl::ZeroDuration());
  EXPECT_LT(absl::Now() - view.seen_at, kPatience);
}

TEST_F(HealthMonitorTest, WaitsForTheSchemaItNeeds) {
  testing::TestDatabase database(testing::Schema::kEmpty);
  HealthMonitorOptions options = Options(database.url());
  options.schema_min = 2;
  options.schema_max = 3;

  Start(std::move(options));
  ASSERT_TRUE(AwaitReachable(true));
  const DatabaseView empty = monitor_->View();
  const bool ready_without = Ready();
  CreateMigrations(database);
  database.Execute(
      "INSERT INTO aquifer.schema_migrations"
      " VALUES (1, 'applied'), (2, 'applied'), (3, 'failed')");

  EXPECT_EQ(empty.facts.schema_version, 0);
  EXPECT_FALSE(ready_without);
  EXPECT_TRUE(AwaitReady());
  EXPECT_EQ(monitor_->View().facts.schema_version, 2);
}

TEST_F(HealthMonitorTest, WaitsForAWarmPoolOnce) {
  testing::TestDatabase database(testing::Schema::kEmpty);
  HealthMonitorOptions options = Options(database.url());
  options.pool_warmth = [this] { return warmth_.load(); };

  Start(std::move(options));
  ASSERT_TRUE(AwaitReachable(true));
  const bool ready_when_cold = Ready();
  warmth_ = PoolWarmth::kWarm;
  const bool ready_when_warm = AwaitReady();
  warmth_ = PoolWarmth::kCold;
  const absl::Time seen = monitor_->View().seen_at;
  ASSERT_TRUE(Await([&] { return monitor_->View().seen_at > seen + absl::Milliseconds(150); }));

  EXPECT_FALSE(ready_when_cold);
  EXPECT_TRUE(ready_when_warm);
  EXPECT_TRUE(Ready());
}

TEST_F(HealthMonitorTest, UnreachableDatabaseIsToldWithoutItsAddress) {
  Start(Options("postgresql:///aquifer?host=/nonexistent/of/this/test"));

  ASSERT_TRUE(Await([this] { return monitor_->View().trouble != DatabaseView().trouble; }));

  const std::string trouble = monitor_->View().trouble;
  EXPECT_THAT(trouble, Not(IsEmpty()));
  EXPECT_THAT(trouble, Not(HasSubstr("nonexistent")));
  EXPECT_FALSE(Ready());
  EXPECT_TRUE(Alive());
}

TEST_F(HealthMonitorTest, LostConnectionDoesNotTurnReadiness) {
  testing::TestDatabase database(testing::Schema::kEmpty);
  Start(Options(database.url()));
  ASSERT_TRUE(AwaitReady());
  const int lost = BackendOf(database);

  database.Execute(absl::StrCat("SELECT pg_terminate_backend(", lost, ")"));

  EXPECT_TRUE(Await([&] {
    const int now = BackendOf(database);
    return now != 0 && now != lost;
  }));
  EXPECT_TRUE(AwaitReachable(true));
  EXPECT_TRUE(Ready());
  EXPECT_EQ(recorder_->seen(), std::vector<bool>{true});
}

TEST_F(HealthMonitorTest, StopsAtOnceWhileALookHangs) {
  testing::TestDatabase database(testing::Schema::kEmpty);
  HealthMonitorOptions options = Options(database.url());
  options.look_timeout = absl::Minutes(10);
  Start(std::move(options));
  ASSERT_TRUE(AwaitReady());
  const int backend = BackendOf(database);
  ASSERT_EQ(kill(backend, SIGSTOP), 0);
  const absl::Time seen = monitor_->View().seen_at;
  // No look has ended for longer than the interval, so one hangs.
  ASSERT_TRUE(Await([&] { return absl::Now() > seen + absl::Milliseconds(300); }));

  const absl::Time begun = absl::Now();
  monitor_->Stop();
  const absl::Duration took = absl::Now() - begun;
  kill(backend, SIGCONT);

  EXPECT_LT(took, absl::Seconds(5));
}

// With a PostgreSQL of its own, to stop it.
class HealthMonitorOutageTest : public HealthMonitorTest {
 protected:
  HealthMonitorOutageTest() { StartPostgres(); }

  void StartPostgres() {
    LocalPostgresOptions options;
    options.data_dir = directory_.path() + "/data";
    options.durability = Durability::kNone;
    auto started = LocalPostgres::Start(options, log_);
    ASSERT_TRUE(started.ok()) << started.status();
    postgres_ = *std::move(started);
  }

  testing::TemporaryDirectory directory_;
  std::unique_ptr<LocalPostgres> postgres_;
};

TEST_F(HealthMonitorOutageTest, ReadinessFollowsPostgresAndLivenessDoesNot) {
  HealthMonitorOptions options = Options(postgres_->url());
  // As in production.
  options.interval = HealthMonitorOptions().interval;
  options.interval_while_bad = HealthMonitorOptions().interval_while_bad;
  Start(std::move(options));
  ASSERT_TRUE(AwaitReady());

  postgres_->Stop();
  const absl::Time stopped = absl::Now();
  const bool fell = AwaitNotReady();
  const absl::Duration fall = absl::Now() - stopped;
  const bool alive = Alive();
  postgres_.reset();
  StartPostgres();
  const absl::Time returned = absl::Now();
  const bool rose = AwaitReady();
  const absl::Duration rise = absl::Now() - returned;

  EXPECT_TRUE(fell);
  EXPECT_LT(fall, absl::Seconds(5));
  EXPECT_TRUE(alive);
  EXPECT_TRUE(rose);
  EXPECT_LT(rise, absl::Seconds(2));
  EXPECT_TRUE(Alive());
  EXPECT_EQ(recorder_->seen(), (std::vector<bool>{true, false, true}));
}

TEST_F(HealthMonitorOutageTest, FrozenPostgresTurnsReadinessAndNotLiveness) {
  HealthMonitorOptions options = Options(postgres_->url());
  options.look_timeout = absl::Milliseconds(300);
  Start(std::move(options));
  ASSERT_TRUE(AwaitReady());
  int backend = 0;
  {
    pqxx::connection connection(postgres_->url());
    pqxx::nontransaction query(connection);
    backend = query
                  .exec1(
                      "SELECT pid FROM pg_stat_activity"
                      " WHERE application_name = 'the monitor'")[0]
                  .as<int>();
  }
  const pid_t postmaster = postgres_->pid();

  // Neither the open connection nor a new one gets an answer.
  ASSERT_EQ(kill(postmaster, SIGSTOP), 0);
  ASSERT_EQ(kill(backend, SIGSTOP), 0);
  const bool fell = AwaitNotReady();
  const bool alive = Alive();
  kill(backend, SIGCONT);
  kill(postmaster, SIGCONT);

  EXPECT_TRUE(fell);
  EXPECT_TRUE(alive);
  EXPECT_TRUE(AwaitReady());
}

// No health flag that one slow query can flip.
class DomainRule14HealthTest : public HealthMonitorTest {};

TEST_F(DomainRule14HealthTest, OneSlowLookDoesNotTurnReadiness) {
  testing::TestDatabase database(testing::Schema::kEmpty);
  CreateMigrations(database);
  HealthMonitorOptions options = Options(database.url());
  options.look_timeout = absl::Seconds(1);
  // Leaves time to let go before the next look.
  options.interval_while_bad = absl::Milliseconds(500);
  Start(std::move(options));
  ASSERT_TRUE(AwaitReady());

  {
    pqxx::connection connection(database.url());
    pqxx::work holder(connection);
    holder.exec("LOCK TABLE aquifer.schema_migrations IN ACCESS EXCLUSIVE MODE");
    ASSERT_TRUE(AwaitReachable(false));
  }

  EXPECT_TRUE(AwaitReachable(true));
  EXPECT_TRUE(Ready());
  EXPECT_EQ(recorder_->seen(), std::vector<bool>{true});
}

TEST_F(DomainRule14HealthTest, FlagThatTurnedComesBackAsSoonAsLooksAreGood) {
  testing::TestDatabase database(testing::Schema::kEmpty);
  CreateMigrations(database);
  HealthMonitorOptions options = Options(database.url());
  options.look_timeout = absl::Milliseconds(400);
  Start(std::move(options));
  ASSERT_TRUE(AwaitReady());

  {
    pqxx::connection connection(database.url());
    pqxx::work holder(connection);
    holder.exec("LOCK TABLE aquifer.schema_migrations IN ACCESS EXCLUSIVE MODE");
    ASSERT_TRUE(AwaitNotReady());
  }
  const absl::Time released = absl::Now();

  EXPECT_TRUE(AwaitReady());
  EXPECT_LT(absl::Now() - released, absl::Seconds(2));
}

}  // namespace
}  // namespace aquifer
