#include "server/database/rollup_keeper.h"

#include "tests/testing/eventually.h"
#include "tests/testing/pool_fixture.h"
#include "tests/testing/stored_lines.h"

namespace aquifer {
namespace {

using testing::InsertLine;

class RollupKeeperTest : public testing::PoolFixture {
 protected:
  int Summed() {
    return database_.Execute("SELECT COALESCE(sum(lines), 0) FROM aquifer.rollup_days")[0][0]
        .as<int>();
  }

  ConnectionPool pool_{PoolOf(4), log_};
  TransactionRunner runner_{pool_};
};

TEST_F(RollupKeeperTest, OneRoundSumsMoreDaysThanOneStepTakes) {
  InsertLines(database_, {.lines = 100, .start = "2025-01-01 12:00:00", .step = "1 day"});
  RollupKeeper keeper(runner_, {.settled = absl::ZeroDuration()}, log_);

  EXPECT_EQ(keeper.KeepOnce(), absl::OkStatus());

  EXPECT_EQ(Summed(), 100);
}

TEST_F(RollupKeeperTest, KeepsAtIntervalsUntilItIsStopped) {
  RollupKeeper keeper(runner_,
                      {.interval = absl::Milliseconds(10), .settled = absl::ZeroDuration()}, log_);

  keeper.Start();

  for (int lines = 1; lines <= 3; ++lines) {
    InsertLine(database_, {.collected_at = absl::StrCat("2025-03-0", lines, " 12:00:00")});
    EXPECT_TRUE(testing::Eventually([&] { return Summed() == lines; }));
  }
  keeper.Stop();
}

TEST_F(RollupKeeperTest, FailureIsReportedAndTheNextRoundComesAllTheSame) {
  RollupKeeper keeper(runner_, {.settled = absl::ZeroDuration()}, log_);
  database_.Execute("ALTER TABLE aquifer.rollup_changes RENAME TO moved");
  EXPECT_NE(keeper.KeepOnce(), absl::OkStatus());

  database_.Execute("ALTER TABLE aquifer.moved RENAME TO rollup_changes");
  InsertLine(database_, {.collected_at = "2025-03-10 12:00:00"});

  EXPECT_EQ(keeper.KeepOnce(), absl::OkStatus());
  EXPECT_EQ(Summed(), 1);
}

TEST_F(RollupKeeperTest, DayThatChangedJustNowIsLeftForLater) {
  InsertLine(database_, {.collected_at = "2025-03-10 12:00:00"});
  RollupKeeper keeper(runner_, {}, log_);

  EXPECT_EQ(keeper.KeepOnce(), absl::OkStatus());
  EXPECT_EQ(Summed(), 0);
  database_.Execute("UPDATE aquifer.rollup_changes SET marked_at = now() - interval '5 minutes'");
  EXPECT_EQ(keeper.KeepOnce(), absl::OkStatus());

  EXPECT_EQ(Summed(), 1);
}

}  // namespace
}  // namespace aquifer
