// What a caller learns when the link breaks at the commit, by a proxy that cuts it there.
#include "server/database/commit_outcome.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <string>
#include <thread>

#include "google/rpc/error_details.pb.h"
#include "repositories/errors.h"
#include "tests/testing/eventually.h"
#include "tests/testing/pool_fixture.h"
#include "tests/testing/proxied_database.h"

namespace aquifer {
namespace {

using testing::Fault;
using testing::MessageHolds;
using testing::QueryIs;

constexpr Statement kEffect = {"test.effect", R"sql(
  INSERT INTO public.effects (id)
  VALUES ($1::int))sql"};

class CommitOutcomeTest : public testing::PoolFixture {
 protected:
  CommitOutcomeTest() {
    database_.Execute("CREATE TABLE public.effects (id int)");
    ConnectionPoolOptions options = PoolOf(4);
    options.database.url = testing::UrlThrough(proxy_, database_);
    pool_.emplace(options, log_);
    runner_.emplace(*pool_);
  }

  absl::Status Write(int id, absl::Time deadline = Soon()) {
    receipt_ = Receipt();
    return runner_->Run(
        {.method = "Test", .mode = TransactionMode::kReadWrite, .deadline = deadline},
        [&](Session& session) {
          ++runs_;
          session.Run(kEffect, id);
          return absl::OkStatus();
        },
        receipt_);
  }

  std::size_t Effects() { return database_.Execute("SELECT id FROM public.effects").size(); }

  testing::FaultProxy proxy_{testing::DatabaseSocket()};
  std::optional<ConnectionPool> pool_;
  std::optional<TransactionRunner> runner_;
  Receipt receipt_;
  int runs_ = 0;
};

std::string OutcomeIn(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  info.ParseFromString(std::string(*status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo")));
  return info.metadata().at("outcome");
}

TEST_F(CommitOutcomeTest, CommitWhoseAnswerIsLostIsACommit) {
  proxy_.Arm(QueryIs("COMMIT"), Fault::kCutBeforeAnswer);

  const absl::Status status = Write(1);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(proxy_.faults(), 1);
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(Effects(), 1u);
}

TEST_F(CommitOutcomeTest, CommitThatNeverArrivedIsDoneAgain) {
  proxy_.Arm(QueryIs("COMMIT"), Fault::kCutBefore);

  const absl::Status status = Write(1);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(proxy_.faults(), 1);
  EXPECT_EQ(runs_, 2);
  EXPECT_EQ(Effects(), 1u);
}

TEST_F(CommitOutcomeTest, CommitsThatNeverArriveEndAsNothingWritten) {
  proxy_.Arm(QueryIs("COMMIT"), Fault::kCutBefore, 1000);

  const absl::Status status = Write(1);

  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(OutcomeIn(status), "not_committed");
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(Effects(), 0u);
}

TEST_F(CommitOutcomeTest, LinkCutSomewhereAboutTheCommitWritesOnceRoundAfterRound) {
  constexpr int kRounds = 100;
  const Fault faults[] = {Fault::kCutBefore, Fault::kCutAtOnce, Fault::kCutBeforeAnswer};

  for (int round = 0; round < kRounds; ++round) {
    proxy_.Arm(QueryIs("COMMIT"), faults[round % 3]);
    EXPECT_EQ(Write(round), absl::OkStatus()) << round;
  }

  EXPECT_EQ(proxy_.faults(), kRounds);
  EXPECT_EQ(Effects(), kRounds);
  EXPECT_EQ(database_.Execute("SELECT DISTINCT id FROM public.effects").size(), kRounds);
}

TEST_F(CommitOutcomeTest, LinkCutBeforeTheCommitSaysThatNothingWasWritten) {
  ASSERT_TRUE(Write(1).ok());
  proxy_.Arm(MessageHolds("test.effect"), Fault::kCutBefore);

  const absl::Status status = Write(2);

  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(OutcomeIn(status), "not_committed");
  EXPECT_EQ(Effects(), 1u);
}

TEST_F(CommitOutcomeTest, OutcomeThatStaysUnknownIsSaidToBe) {
  ASSERT_TRUE(Write(1).ok());
  // What is open stays, and nobody else can be asked.
  proxy_.Refuse();
  proxy_.Arm(QueryIs("COMMIT"), Fault::kCutBeforeAnswer);

  const absl::Status status = Write(2, absl::Now() + absl::Milliseconds(700));

  EXPECT_EQ(ReasonOf(status), "COMMIT_IN_DOUBT");
  EXPECT_EQ(OutcomeIn(status), "unknown");
  EXPECT_EQ(runs_, 2);
}

TEST_F(CommitOutcomeTest, DatabaseThatIsBackBeforeTheDeadlineTells) {
  ASSERT_TRUE(Write(1).ok());
  proxy_.Refuse();
  proxy_.Arm(QueryIs("COMMIT"), Fault::kCutBeforeAnswer);
  std::thread repair([this] {
    EXPECT_TRUE(testing::Eventually([this] { return pool_->Figures().connect_failures > 0; }));
    proxy_.Accept();
  });

  const absl::Status status = Write(2);
  repair.join();

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(runs_, 2);
  EXPECT_EQ(Effects(), 2u);
}

// The looks themselves, on transactions whose fate the test knows.
class ResolveCommitTest : public CommitOutcomeTest {
 protected:
  CommitOutcome Resolve(const TransactionMark& mark, absl::Time deadline = Soon()) {
    return ResolveCommit(mark, deadline, [&](absl::FunctionRef<absl::Status(Session&)> look) {
      Receipt unused;
      return runner_->Run({.method = "Test", .deadline = deadline}, look, unused);
    });
  }

  // The mark of the transaction open on `work`.
  static TransactionMark MarkOf(pqxx::work& work) {
    const pqxx::row row = work.exec(
        "SELECT pg_current_xact_id(), "
        "concat_ws(' ', pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time())")[0];
    return {.xid = row[0].c_str(), .run = row[1].c_str()};
  }
};

TEST_F(ResolveCommitTest, TellsWhatBecameOfATransaction) {
  pqxx::connection connection(database_.url());
  TransactionMark committed, aborted;
  {
    pqxx::work work(connection);
    committed = MarkOf(work);
    work.commit();
  }
  {
    pqxx::work work(connection);
    aborted = MarkOf(work);
  }
  TransactionMark future = committed;
  future.xid = "4000000000";

  EXPECT_EQ(Resolve(committed), CommitOutcome::kCommitted);
  EXPECT_EQ(Resolve(aborted), CommitOutcome::kNotCommitted);
  EXPECT_EQ(Resolve(future), CommitOutcome::kNotCommitted);
  EXPECT_EQ(Resolve({}), CommitOutcome::kUnknown);
}

// After a crash an id may be given away again, so that "committed" is said of another transaction.
TEST_F(ResolveCommitTest, CommitOfAnotherRunOfTheDatabaseIsNotTrusted) {
  pqxx::connection connection(database_.url());
  TransactionMark committed, aborted;
  {
    pqxx::work work(connection);
    committed = MarkOf(work);
    work.commit();
  }
  {
    pqxx::work work(connection);
    aborted = MarkOf(work);
  }
  committed.run = aborted.run = "another run";

  EXPECT_EQ(Resolve(committed), CommitOutcome::kUnknown);
  EXPECT_EQ(Resolve(aborted), CommitOutcome::kNotCommitted);
}

// Its own side of the link is open, so it would wait for ever, and hold its locks.
TEST_F(ResolveCommitTest, BackendThatNeverNoticedIsEnded) {
  pqxx::connection connection(database_.url());
  pqxx::work work(connection);
  const TransactionMark mark = MarkOf(work);
  work.exec("INSERT INTO public.effects VALUES (1)");

  EXPECT_EQ(Resolve(mark), CommitOutcome::kNotCommitted);

  EXPECT_ANY_THROW(work.exec("SELECT 1"));
  EXPECT_EQ(Effects(), 0u);
}

TEST_F(ResolveCommitTest, TransactionStillInProgressAtTheDeadlineIsUnknown) {
  pqxx::connection connection(database_.url());
  pqxx::work work(connection);

  EXPECT_EQ(Resolve(MarkOf(work), absl::Now() + absl::Milliseconds(100)), CommitOutcome::kUnknown);
}

}  // namespace
}  // namespace aquifer
