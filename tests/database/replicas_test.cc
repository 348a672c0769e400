#include "server/database/replicas.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "server/database/transaction_runner.h"
#include "tests/testing/eventually.h"
#include "tests/testing/own_postgres.h"

namespace aquifer {
namespace {

using testing::Eventually;
using testing::OwnPostgres;
using Kind = Consistency::Kind;

constexpr Statement kInRecovery = {"test.in_recovery", R"sql(SELECT pg_is_in_recovery())sql"};
constexpr Statement kCount = {"test.count", R"sql(SELECT count(*) FROM public.lines)sql"};
constexpr Statement kInsert = {"test.insert", R"sql(INSERT INTO public.lines VALUES (1))sql"};
constexpr Statement kWait = {"test.wait", R"sql(SELECT pg_sleep(20))sql"};

// A primary with a replica, and a runner that reads from it.
class ReplicasTest : public ::testing::Test {
 protected:
  static ReplicasOptions OptionsOf(const std::string& url) {
    ReplicasOptions options;
    options.database.url = url;
    options.pool.min = 0;
    options.pool.max = 2;
    options.instance = "test";
    options.look_interval = absl::Milliseconds(20);
    options.max_waits = 4;
    return options;
  }
  static ConnectionPoolOptions PoolOf(const std::string& url) {
    ConnectionPoolOptions options;
    options.database.url = url;
    options.instance = "test";
    options.pool.min = 0;
    options.pool.max = 4;
    return options;
  }

  ReplicasTest() {
    primary_.Execute("CREATE TABLE public.lines (id int)");
    primary_.Execute(absl::StrCat("GRANT ALL ON public.lines TO ", testing::kOwnRole));
  }

  // The position of a line's commit.
  WalPosition Write() {
    Receipt receipt;
    const absl::Status status = runner_.Run(
        {.method = "Write",
         .mode = TransactionMode::kReadWrite,
         .wants_position = true,
         .deadline = Soon()},
        [](Session& session) {
          session.Run(kInsert);
          return absl::OkStatus();
        },
        receipt);
    EXPECT_TRUE(status.ok()) << status;
    return receipt.position;
  }

  absl::Status Read(const Consistency& consistency, const Statement& statement, Receipt& receipt,
                    std::string* first = nullptr) {
    return runner_.Run(
        {.method = "Read",
         .mode = TransactionMode::kReadImplicitly,
         .consistency = consistency,
         .deadline = Soon()},
        [&](Session& session) {
          const pqxx::result rows = session.Run(statement);
          if (first != nullptr) *first = rows[0][0].c_str();
          return absl::OkStatus();
        },
        receipt);
  }
  // Where such a read was answered.
  bool FromReplica(const Consistency& consistency) {
    Receipt receipt;
    std::string recovery;
    const absl::Status status = Read(consistency, kInRecovery, receipt, &recovery);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(receipt.from_replica, recovery == "t");
    return receipt.from_replica;
  }
  std::int64_t Reads(ReplicaRead read) const {
    return replicas_.Figures().reads[static_cast<std::size_t>(read)];
  }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

  OwnPostgres primary_{{"max_connections=60"}};
  OwnPostgres replica_{primary_};
  const std::string url_ = OwnPostgres::UrlOf(absl::StrCat(primary_.host(), ",", replica_.host()));
  Log log_{LogLevel::kOff};
  ConnectionPool pool_{PoolOf(url_), log_};
  Replicas replicas_{OptionsOf(url_), log_};
  TransactionRunner runner_{pool_, {.replicas = &replicas_}};
};

TEST_F(ReplicasTest, EachHostIsSeenForWhatItIs) {
  ASSERT_TRUE(Eventually([this] { return FromReplica({.kind = Kind::kAny}); }));

  const ReplicaFigures figures = replicas_.Figures();
  ASSERT_EQ(figures.hosts.size(), 2u);
  EXPECT_EQ(figures.hosts[0].role, HostRole::kPrimary);
  EXPECT_EQ(figures.hosts[1].role, HostRole::kReplica);
  EXPECT_EQ(figures.hosts[0].connections, 0) << "nothing is read from the primary by this way";
  EXPECT_EQ(figures.hosts[1].connections, 1);
}

TEST_F(ReplicasTest, CallersOfEveryKindSeeWhatTheyAskedForWhileTheReplicaStopsAndGoesOn) {
  ASSERT_TRUE(Eventually([this] { return FromReplica({.kind = Kind::kAny}); }));
  std::atomic<bool> stopping = false;
  std::atomic<int> wrong = 0;
  // Lines known to be stored, at least.
  std::atomic<int> stored = 0;
  std::atomic<int> made = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      while (!stopping) {
        const int before = stored;
        const WalPosition written = Write();
        ++stored;
        Receipt receipt;
        std::string count;
        if (!Read({.kind = Kind::kAtLeast, .position = written}, kCount, receipt, &count).ok() ||
            std::stoi(count) < before + 1) {
          ++wrong;
        }
        ++made;
      }
    });
    callers.emplace_back([&] {
      while (!stopping) {
        Receipt receipt;
        if (!Read({.kind = Kind::kStale, .staleness = absl::Seconds(1)}, kCount, receipt).ok()) {
          ++wrong;
        }
        ++made;
      }
    });
  }
  const auto more = [&] {
    const int before = made;
    EXPECT_TRUE(Eventually([&] { return made > before + 100; }));
  };

  more();
  replica_.Execute("SELECT pg_wal_replay_pause()");
  more();
  replica_.Execute("SELECT pg_wal_replay_resume()");
  more();
  replica_.Kill();
  more();
  replica_.Start();
  EXPECT_TRUE(Eventually([this] { return FromReplica({.kind = Kind::kAny}); }));
  more();
  stopping = true;
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(wrong, 0);
  EXPECT_GT(Reads(ReplicaRead::kServed), 0);
  EXPECT_GT(Reads(ReplicaRead::kNoneFits), 0);
}

TEST_F(ReplicasTest, BusyReplicaLeavesTheReadToThePrimary) {
  ASSERT_TRUE(Eventually([this] { return FromReplica({.kind = Kind::kAny}); }));
  std::vector<Replicas::Loan> held;
  for (int i = 0; i < 2; ++i) {
    auto loan = replicas_.Borrow({.kind = Kind::kAny}, Soon(), "test");
    ASSERT_TRUE(loan);
    held.push_back(*std::move(loan));
  }

  EXPECT_FALSE(FromReplica({.kind = Kind::kAny}));

  EXPECT_EQ(Reads(ReplicaRead::kNoConnection), 1);
  held.clear();
  EXPECT_TRUE(FromReplica({.kind = Kind::kAny}));
}

TEST_F(ReplicasTest, ReadThatIsCutOffAtTheReplicaIsThePrimarys) {
  ASSERT_TRUE(Eventually([this] { return FromReplica({.kind = Kind::kAny}); }));
  Receipt receipt;
  absl::Status status;
  std::thread reader([&] {
    status = runner_.Run(
        {.method = "Read",
         .mode = TransactionMode::kReadImplicitly,
         .consistency = {.kind = Kind::kAny},
         .deadline = Soon()},
        [](Session& session) {
          if (session.Run(kInRecovery)[0][0].as<bool>()) session.Run(kWait);
          return absl::OkStatus();
        },
        receipt);
  });
  ASSERT_TRUE(Eventually([this] {
    return !replica_
                .Execute(
                    "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' "
                    "AND wait_event = 'PgSleep'")
                .empty();
  }));

  replica_.Freeze();
  reader.join();
  replica_.Thaw();

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_FALSE(receipt.from_replica);
  EXPECT_EQ(Reads(ReplicaRead::kFailed), 1);
}

}  // namespace
}  // namespace aquifer
