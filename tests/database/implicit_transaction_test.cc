// Statements that commit by themselves: what holds without BEGIN and COMMIT.
#include <atomic>
#include <string>
#include <thread>

#include "repositories/errors.h"
#include "repositories/row.h"
#include "tests/testing/pool_fixture.h"
#include "tests/testing/proxied_database.h"

namespace aquifer {
namespace {

using testing::Eventually;
using testing::Fault;
using testing::MessageHolds;

constexpr Statement kEffect = {"test.implicit_effect", R"sql(
  INSERT INTO public.effects (id)
  VALUES ($1::int)
  ON CONFLICT (id) DO UPDATE SET times = effects.times + 1)sql"};
constexpr Statement kRead = {"test.implicit_read", "SELECT count(*) FROM public.effects"};
constexpr Statement kSleep = {"test.implicit_sleep", "SELECT pg_sleep(60)"};

class ImplicitTransactionTest : public testing::PoolFixture {
 protected:
  ImplicitTransactionTest() {
    database_.Execute("CREATE TABLE public.effects (id int PRIMARY KEY, times int DEFAULT 1)");
    ConnectionPoolOptions options = PoolOf(4);
    options.database.url = testing::UrlThrough(proxy_, database_);
    pool_.emplace(options, log_);
    runner_.emplace(*pool_);
  }

  absl::Status Run(const Statement& statement, TransactionMode mode, absl::Time deadline = Soon(),
                   Cancellation* cancellation = nullptr) {
    return runner_->Run(
        {.method = "Test", .mode = mode, .deadline = deadline, .cancellation = cancellation},
        [&](Session& session) {
          ++runs_;
          session.Run(statement);
          return absl::OkStatus();
        },
        receipt_);
  }

  absl::Status Write(int id) {
    return runner_->Run(
        {.method = "Test", .mode = TransactionMode::kWriteImplicitly, .deadline = Soon()},
        [&](Session& session) {
          ++runs_;
          session.Run(kEffect, id);
          return absl::OkStatus();
        },
        receipt_);
  }

  // How many of the pool's sessions run a statement of a body just now.
  int Running() {
    return database_
        .Execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'aquifer/test' AND state = 'active' "
            "AND query NOT LIKE '%pg_stat_activity%'")[0][0]
        .as<int>();
  }

  int Times(int id) {
    const pqxx::result rows =
        database_.Execute("SELECT times FROM public.effects WHERE id = " + std::to_string(id));
    return rows.empty() ? 0 : rows[0][0].as<int>();
  }

  testing::FaultProxy proxy_{testing::DatabaseSocket()};
  std::optional<ConnectionPool> pool_;
  std::optional<TransactionRunner> runner_;
  Receipt receipt_;
  std::atomic<int> runs_ = 0;
};

TEST_F(ImplicitTransactionTest, CommitsByItself) {
  ASSERT_EQ(Write(1), absl::OkStatus());

  EXPECT_EQ(Times(1), 1);
  EXPECT_EQ(receipt_.attempts, 1);
}

TEST_F(ImplicitTransactionTest, ReadWhoseLinkBreaksIsReadAgain) {
  ASSERT_EQ(Run(kRead, TransactionMode::kReadImplicitly), absl::OkStatus());
  proxy_.Arm(MessageHolds(kRead.name), Fault::kCutBeforeAnswer);

  EXPECT_EQ(Run(kRead, TransactionMode::kReadImplicitly), absl::OkStatus());

  EXPECT_EQ(proxy_.faults(), 1);
  EXPECT_EQ(runs_, 3);
}

// The statement may have committed, so the body has to be one that may do it once more.
TEST_F(ImplicitTransactionTest, WriteWhoseAnswerIsLostIsDoneAgain) {
  ASSERT_EQ(Write(1), absl::OkStatus());
  proxy_.Arm(MessageHolds(kEffect.name), Fault::kCutBeforeAnswer);

  EXPECT_EQ(Write(2), absl::OkStatus());

  EXPECT_EQ(proxy_.faults(), 1);
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(Times(2), 2);
}

TEST_F(ImplicitTransactionTest, WriteThatNeverArrivedIsDoneOnce) {
  ASSERT_EQ(Write(1), absl::OkStatus());
  proxy_.Arm(MessageHolds(kEffect.name), Fault::kCutBefore);

  EXPECT_EQ(Write(2), absl::OkStatus());

  EXPECT_EQ(Times(2), 1);
}

// Were it done again while the old backend still waits for the lock, that one could write its old
// value over a newer one later.
TEST_F(ImplicitTransactionTest, WriteIsDoneAgainOnlyWhenTheOldBackendIsGone) {
  ASSERT_EQ(Write(1), absl::OkStatus());
  pqxx::connection stranger(database_.url());
  pqxx::work holding(stranger);
  holding.exec("SELECT FROM public.effects WHERE id = 1 FOR UPDATE");
  proxy_.Arm(MessageHolds(kEffect.name), Fault::kCutAtOnce);
  std::thread letting_go([&] {
    // Both, one after the other, waited for the same row: the first was sent away.
    EXPECT_TRUE(Eventually([&] { return Running() == 1 && runs_ == 3; }));
    holding.abort();
  });

  const absl::Status status = Write(1);
  letting_go.join();

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(Times(1), 2);
}

TEST_F(ImplicitTransactionTest, StatementEndsAtTheDeadlineAndItsConnectionServesOn) {
  const absl::Time began = absl::Now();

  const absl::Status status =
      Run(kSleep, TransactionMode::kReadImplicitly, began + absl::Milliseconds(300));

  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED");
  EXPECT_LT(absl::Now() - began, absl::Seconds(20));
  EXPECT_EQ(Run(kRead, TransactionMode::kReadImplicitly), absl::OkStatus());
}

// The link is frozen, so neither the time limit nor a cancel request has any effect there.
TEST_F(ImplicitTransactionTest, WriteOverAFrozenLinkEndsSoonAfterTheDeadline) {
  ASSERT_EQ(Write(1), absl::OkStatus());
  proxy_.Arm(MessageHolds(kEffect.name), Fault::kHoldAnswer);
  const absl::Time began = absl::Now();

  const absl::Status status = runner_->Run(
      {.method = "Test",
       .mode = TransactionMode::kWriteImplicitly,
       .deadline = began + absl::Milliseconds(300)},
      [&](Session& session) {
        session.Run(kEffect, 2);
        return absl::OkStatus();
      },
      receipt_);

  EXPECT_EQ(ReasonOf(status), "COMMIT_IN_DOUBT");
  EXPECT_LT(absl::Now() - began, absl::Seconds(20));
  EXPECT_EQ(Write(3), absl::OkStatus());
}

TEST_F(ImplicitTransactionTest, CallerThatLeavesEndsTheStatement) {
  Cancellation cancellation;
  std::thread leaving([&] {
    EXPECT_TRUE(Eventually([&] { return Running() == 1; }));
    cancellation.Cancel();
  });

  const absl::Status status = Run(kSleep, TransactionMode::kReadImplicitly, Soon(), &cancellation);
  leaving.join();

  EXPECT_EQ(ReasonOf(status), "CANCELLED");
}

}  // namespace
}  // namespace aquifer
