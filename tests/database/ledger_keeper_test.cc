#include "server/database/ledger_keeper.h"

#include <absl/strings/str_cat.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/eventually.h"
#include "tests/testing/pool_fixture.h"

namespace aquifer {
namespace {

class LedgerKeeperTest : public testing::PoolFixture {
 protected:
  int Partitions() {
    return database_
        .Execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'aquifer.requests'::regclass")[0][0]
        .as<int>();
  }

  // A partition that is long due to be dropped.
  void MakeOldPartition() {
    database_.Execute(
        "CREATE TABLE aquifer.requests_20200101 PARTITION OF aquifer.requests "
        "FOR VALUES FROM ('2020-01-01 00:00Z') TO ('2020-01-02 00:00Z')");
  }

  static constexpr char kInsert[] =
      "INSERT INTO aquifer.requests (request_id, method, fingerprint, response) "
      "VALUES (gen_random_uuid(), 'Test.Write', 1, '')";

  ConnectionPool pool_{PoolOf(4), log_};
  TransactionRunner runner_{pool_};
};

TEST_F(LedgerKeeperTest, MakesWhatIsMissingAndDropsWhatIsOld) {
  MakeOldPartition();
  LedgerKeeper keeper(runner_, {.days_ahead = 2}, log_);

  EXPECT_EQ(keeper.KeepOnce(), absl::OkStatus());
  EXPECT_EQ(keeper.KeepOnce(), absl::OkStatus());

  // Today, two days ahead, and the default one.
  EXPECT_EQ(Partitions(), 4);
}

TEST_F(LedgerKeeperTest, KeepsAtIntervalsUntilItIsStopped) {
  LedgerKeeper keeper(runner_, {.interval = absl::Milliseconds(10)}, log_);

  keeper.Start();

  EXPECT_TRUE(testing::Eventually([&] { return Partitions() == 5; }));
  MakeOldPartition();
  EXPECT_TRUE(testing::Eventually([&] { return Partitions() == 5; }));
  keeper.Stop();
}

TEST_F(LedgerKeeperTest, InstancesThatKeepAtOnceDoEachThingOnce) {
  for (int round = 0; round < 10; ++round) {
    database_.Execute(
        "DO $$ DECLARE part text; BEGIN "
        "FOR part IN SELECT inhrelid::regclass::text FROM pg_inherits "
        "WHERE inhparent = 'aquifer.requests'::regclass "
        "AND inhrelid <> 'aquifer.requests_default'::regclass LOOP "
        "EXECUTE 'DROP TABLE ' || part; END LOOP; END $$");
    MakeOldPartition();
    LedgerKeeper one(runner_, {}, log_), other(runner_, {}, log_);

    absl::Status at_once;
    std::thread thread([&] { at_once = other.KeepOnce(); });
    const absl::Status status = one.KeepOnce();
    thread.join();

    EXPECT_EQ(status, absl::OkStatus());
    EXPECT_EQ(at_once, absl::OkStatus());
    // Whoever found the other at it left the rest to it, so once more by whoever comes next.
    EXPECT_EQ(one.KeepOnce(), absl::OkStatus());
    EXPECT_EQ(Partitions(), 5);
  }
}

TEST_F(LedgerKeeperTest, GivesWayToWritesAndHoldsUpNoneForLong) {
  MakeOldPartition();
  LedgerKeeper keeper(runner_, {.days_ahead = 0}, log_);
  pqxx::connection connection(database_.url());
  pqxx::work long_write(connection);
  long_write.exec(kInsert);
  std::atomic<bool> keeping = true;

  absl::Status status;
  std::thread thread([&] {
    status = keeper.KeepOnce();
    keeping = false;
  });
  absl::Duration longest;
  int writes = 0;
  while (keeping) {
    const absl::Time began = absl::Now();
    database_.Execute(kInsert);
    longest = std::max(longest, absl::Now() - began);
    ++writes;
  }
  thread.join();

  EXPECT_EQ(ReasonOf(status), "TRANSACTION_CONFLICT") << status;
  EXPECT_GT(writes, 0);
  EXPECT_LT(longest, absl::Seconds(2));
  RecordProperty("longest_write_ms", absl::StrCat(absl::ToInt64Milliseconds(longest)));
  long_write.commit();
  EXPECT_EQ(keeper.KeepOnce(), absl::OkStatus());
  // Today's rows lie in the default partition by now.
  EXPECT_EQ(Partitions(), 1);
}

TEST_F(LedgerKeeperTest, RoundsGoOnAfterOnesThatFailed) {
  LedgerKeeper keeper(runner_, {.interval = absl::Milliseconds(5)}, log_);
  database_.Execute("ALTER TABLE aquifer.requests RENAME TO gone");

  // Before Start, for a round that meets another one leaves the work to it.
  EXPECT_EQ(ReasonOf(keeper.KeepOnce()), "SCHEMA_MISMATCH");
  keeper.Start();
  database_.Execute("ALTER TABLE aquifer.gone RENAME TO requests");

  EXPECT_TRUE(testing::Eventually([&] { return Partitions() == 5; }));
}

// Two callers with one request_id: one writes, and both have its answer.
TEST_F(LedgerKeeperTest, OfTwoCallersWithOneIdOneWritesRoundAfterRound) {
  database_.Execute("CREATE TABLE public.effects (round int)");
  constexpr Statement kEffect = {"test.effect",
                                 R"sql(INSERT INTO public.effects VALUES ($1::int))sql"};
  constexpr int kRounds = 100;
  const auto write = [&](int round, const std::string& id, const std::string& mine) {
    std::string answer;
    Receipt receipt;
    const absl::Status status = runner_.Run(
        {.method = "Test", .mode = TransactionMode::kReadWrite, .deadline = Soon()},
        [&](Session& session) -> absl::Status {
          RequestLedger ledger(session);
          const RequestKey key = {.request_id = id, .method = "Test", .fingerprint = 1};
          const auto first = ledger.Claim(key);
          if (!first.ok()) return first.status();
          answer = first->value_or(mine);
          if (first->has_value()) return absl::OkStatus();
          session.Run(kEffect, round);
          return ledger.Keep(key, mine);
        },
        receipt);
    EXPECT_EQ(status, absl::OkStatus());
    return answer;
  };

  for (int round = 0; round < kRounds; ++round) {
    const std::string id = database_.Execute("SELECT gen_random_uuid()")[0][0].c_str();
    std::string answers[2];
    std::thread other([&] { answers[1] = write(round, id, "other"); });
    answers[0] = write(round, id, "one");
    other.join();

    EXPECT_EQ(answers[0], answers[1]);
  }

  EXPECT_EQ(database_.Execute("SELECT round FROM public.effects").size(), kRounds);
}

}  // namespace
}  // namespace aquifer
