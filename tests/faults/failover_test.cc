// A primary and its streaming replica, changed over while callers write.
#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <iostream>
#include <map>
#include <thread>
#include <utility>

#include "tests/faults/faults_test.h"

namespace aquifer::testing {
namespace {

class FailoverTest : public FaultsTest {
 protected:
  static constexpr int kCallers = 6;

  ~FailoverTest() override { StopCallers(); }

  void StartBoth() {
    primary_ = std::make_unique<OwnPostgres>(std::vector<std::string>{"max_connections=60"});
    // The schema first, so that the replica starts with it.
    StartServer(primary_->Url());
    server_.reset();
    replica_ = std::make_unique<OwnPostgres>(*primary_);
  }

  std::string UrlOfBoth() const {
    return OwnPostgres::UrlOf(absl::StrCat(primary_->host(), ",", replica_->host()));
  }

  // Callers that write lines of their own until StopCallers, without a repeat of their own.
  void StartCallers() {
    for (int caller = 0; caller < kCallers; ++caller) {
      callers_.emplace_back([this, caller] {
        for (int second = 0; !stopping_; ++second) {
          grpc::ClientContext context;
          context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
          v1::RecordCollectionResponse response;
          const absl::Time began = absl::Now();
          const grpc::Status status = collections_->RecordCollection(
              &context, MakeLine(absl::StrCat("caller-", caller), second), &response);
          absl::MutexLock lock(&mutex_);
          longest_ = std::max(longest_, absl::Now() - began);
          if (status.ok()) {
            ++acknowledged_[caller];
            // Lines are numbered, so what was acknowledged is known by its caller and number.
            lines_.emplace_back(absl::StrCat("caller-", caller), second);
          } else {
            failures_.push_back(status.error_message());
          }
        }
      });
    }
  }
  void StopCallers() {
    stopping_ = true;
    for (std::thread& caller : callers_) caller.join();
    callers_.clear();
  }

  // Until every caller was served again; the time since `began`.
  absl::Duration AwaitAllServed(absl::Time began) {
    const auto before = Acknowledged();
    EXPECT_TRUE(Eventually([&] {
      const auto now = Acknowledged();
      for (int caller = 0; caller < kCallers; ++caller) {
        if (now[caller] == before[caller]) return false;
      }
      return true;
    })) << "not every caller was served again";
    return absl::Now() - began;
  }
  std::array<int, kCallers> Acknowledged() {
    absl::MutexLock lock(&mutex_);
    return acknowledged_;
  }

  // Acknowledged lines that `postgres` has not, or not once.
  int Lost(const OwnPostgres& postgres) {
    int lost = 0;
    const pqxx::result stored = postgres.Execute(
        "SELECT device_id, extract(epoch FROM collected_at)::bigint - 1774648800, count(*) "
        "FROM aquifer.collections GROUP BY 1, 2");
    std::map<std::pair<std::string, int>, int> counts;
    for (const auto& row : stored) {
      counts[{row[0].as<std::string>(), row[1].as<int>()}] = row[2].as<int>();
    }
    absl::MutexLock lock(&mutex_);
    for (const auto& line : lines_) lost += counts[line] != 1;
    return lost;
  }

  std::unique_ptr<OwnPostgres> primary_;
  std::unique_ptr<OwnPostgres> replica_;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> callers_;
  absl::Mutex mutex_;
  std::array<int, kCallers> acknowledged_ ABSL_GUARDED_BY(mutex_) = {};
  std::vector<std::pair<std::string, int>> lines_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> failures_ ABSL_GUARDED_BY(mutex_);
  absl::Duration longest_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(FailoverTest, PlannedSwitchoverIsNoticedByNoCaller) {
  StartBoth();
  StartServer(UrlOfBoth());
  StartCallers();
  AwaitAllServed(absl::Now());

  const absl::Time began = absl::Now();
  // Stops when the replica has all of it.
  primary_->Stop();
  const absl::Time stopped = absl::Now();
  replica_->Promote();
  const absl::Time promoted = absl::Now();
  const absl::Duration recovery = AwaitAllServed(promoted);
  StopCallers();

  EXPECT_EQ(Lost(*replica_), 0);
  absl::MutexLock lock(&mutex_);
  EXPECT_THAT(failures_, ::testing::IsEmpty());
  std::cout << "switchover: stopped within " << stopped - began << ", promoted within "
            << promoted - stopped << ", every caller served " << recovery
            << " later; the longest call took " << longest_ << ", " << lines_.size()
            << " writes, none failed\n";
}

TEST_F(FailoverTest, KilledPrimaryWithASynchronousStandbyLosesNothingAcknowledged) {
  StartBoth();
  primary_->Execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
  primary_->Execute("SELECT pg_reload_conf()");
  ASSERT_TRUE(Eventually([this] {
    return primary_->Execute("SELECT sync_state FROM pg_stat_replication WHERE sync_state = 'sync'")
               .size() == 1;
  }));
  StartServer(UrlOfBoth());
  StartCallers();
  AwaitAllServed(absl::Now());

  primary_->Kill();
  replica_->Execute("ALTER SYSTEM SET synchronous_standby_names = ''");
  replica_->Promote();
  const absl::Duration recovery = AwaitAllServed(absl::Now());
  StopCallers();

  EXPECT_EQ(Lost(*replica_), 0);
  absl::MutexLock lock(&mutex_);
  std::cout << "primary killed: every caller served " << recovery << " after the promotion; "
            << lines_.size() << " writes acknowledged, " << failures_.size() << " failed\n";
}

// One address behind which another server stands from now on, as after a change of DNS.
TEST_F(FailoverTest, ReadOnlyDatabaseIsNoticedByNoCallerWhileAPrimaryComes) {
  StartBoth();
  TemporaryDirectory address;
  const std::string socket = address.path() + "/.s.PGSQL.5432";
  ASSERT_EQ(symlink(primary_->socket().c_str(), socket.c_str()), 0);
  StartServer(OwnPostgres::UrlOf(address.path()));
  ASSERT_TRUE(Record(0).ok());

  unlink(socket.c_str());
  ASSERT_EQ(symlink(replica_->socket().c_str(), socket.c_str()), 0);
  primary_->Stop();
  grpc::Status status;
  std::thread caller([&] { status = Record(1); });
  ASSERT_TRUE(Eventually(
      [this] { return Series("aquifer_transaction_retries_total{cause=\"no_primary\"}") > 0; }));
  replica_->Promote();
  caller.join();

  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(FailoverTest, SilentHostDoesNotKeepTheOthersFromBeingTried) {
  StartBoth();
  StartServer(UrlOfBoth());
  ASSERT_TRUE(Record(0).ok());

  primary_->Freeze();
  replica_->Promote();
  const absl::Duration recovery = AwaitService(absl::Now());
  std::cout << "primary silent: served " << recovery << " after the promotion\n";

  // Whoever starts now meets the silent host first.
  StartServer(UrlOfBoth());
  EXPECT_TRUE(Record(1).ok());
  primary_->Thaw();
}

}  // namespace
}  // namespace aquifer::testing
