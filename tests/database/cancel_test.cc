// Callers that leave, and databases that hang: what ends the statement, and what never ends
// another's.
#include <absl/random/random.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/eventually.h"
#include "tests/testing/pool_fixture.h"

namespace aquifer {
namespace {

constexpr Statement kNap = {"test.nap", R"sql(SELECT pg_sleep(30))sql"};
constexpr Statement kShortNap = {"test.short_nap", R"sql(SELECT pg_sleep($1::float8))sql"};
constexpr Statement kInsert = {"test.insert", R"sql(INSERT INTO public.notes VALUES (1))sql"};
constexpr Statement kPid = {"test.pid", R"sql(SELECT pg_backend_pid())sql"};

class CancelTest : public testing::PoolFixture {
 protected:
  CancelTest() { database_.Execute("CREATE TABLE public.notes (n int)"); }

  absl::Status Run(Cancellation& cancellation, absl::FunctionRef<absl::Status(Session&)> body,
                   absl::Time deadline = Soon()) {
    Receipt receipt;
    return runner_.Run({.method = "Test",
                        .mode = TransactionMode::kReadWrite,
                        .deadline = deadline,
                        .cancellation = &cancellation},
                       body, receipt);
  }

  static absl::Status Nap(Session& session) {
    session.Run(kNap);
    return absl::OkStatus();
  }

  bool Napping() {
    return database_
        .Execute(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'aquifer/test' AND wait_event = 'PgSleep'")[0][0]
        .as<bool>();
  }

  int Notes() { return database_.Execute("SELECT count(*) FROM public.notes")[0][0].as<int>(); }

  ConnectionPool pool_{PoolOf(8), log_};
  TransactionRunner runner_{pool_};
};

TEST_F(CancelTest, CallerThatLeavesEndsItsStatement) {
  Cancellation cancellation;
  absl::Status status;
  std::thread call([&] { status = Run(cancellation, Nap); });
  ASSERT_TRUE(testing::Eventually([&] { return Napping(); }));

  const absl::Time left = absl::Now();
  cancellation.Cancel();
  call.join();

  EXPECT_EQ(ReasonOf(status), "CANCELLED");
  EXPECT_LT(absl::Now() - left, absl::Seconds(10));
  EXPECT_FALSE(Napping());
  EXPECT_EQ(pool_.canceller().Figures().sent, 1);
  // The one request ended the one statement, so the connection is clean and stays.
  EXPECT_EQ(pool_.Figures().idle, 1);
  EXPECT_EQ(pool_.Figures().Closed(CloseReason::kCancelled), 0);
}

TEST_F(CancelTest, CallerThatLeftBeforeRunsNothing) {
  Cancellation cancellation;
  cancellation.Cancel();
  bool ran = false;

  const absl::Status status = Run(cancellation, [&](Session&) {
    ran = true;
    return absl::OkStatus();
  });

  EXPECT_EQ(ReasonOf(status), "CANCELLED");
  EXPECT_FALSE(ran);
  EXPECT_EQ(pool_.canceller().Figures().sent, 0);
}

TEST_F(CancelTest, CallerThatLeavesBeforeTheCommitChangesNothing) {
  Cancellation cancellation;

  const absl::Status status = Run(cancellation, [&](Session& session) {
    session.Run(kInsert);
    cancellation.Cancel();
    return absl::OkStatus();
  });

  EXPECT_EQ(ReasonOf(status), "CANCELLED");
  EXPECT_EQ(Notes(), 0);
}

TEST_F(CancelTest, StatementAfterTheCallerLeftDoesNotBegin) {
  Cancellation cancellation;

  const absl::Status status = Run(cancellation, [&](Session& session) {
    session.Run(kInsert);
    cancellation.Cancel();
    session.Run(kNap);
    return absl::OkStatus();
  });

  EXPECT_EQ(ReasonOf(status), "CANCELLED");
}

TEST_F(CancelTest, StatementsTogetherKeepTheDeadline) {
  Cancellation cancellation;
  const absl::Time deadline = absl::Now() + absl::Milliseconds(300);
  int ran = 0;

  const absl::Status status = Run(
      cancellation,
      [&](Session& session) {
        for (; ran < 1000; ++ran) session.Run(kShortNap, 0.05);
        return absl::OkStatus();
      },
      deadline);

  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED");
  EXPECT_LT(ran, 20);
}

TEST_F(CancelTest, RequestThatMayComeLateClosesTheConnection) {
  Cancellation cancellation;

  // Between two statements a request ends nothing, and nobody knows when it arrives.
  const absl::Status status = Run(cancellation, [&](Session&) {
    cancellation.Cancel();
    EXPECT_TRUE(testing::Eventually([&] { return pool_.canceller().Figures().sent > 0; }));
    return absl::OkStatus();
  });

  EXPECT_EQ(ReasonOf(status), "CANCELLED");
  EXPECT_EQ(pool_.Figures().idle, 0);
  EXPECT_EQ(pool_.Figures().Closed(CloseReason::kCancelled), 1);
}

TEST_F(CancelTest, StormOfCancelsEndsNobodyElsesStatement) {
  constexpr int kCallers = 40;
  constexpr int kRounds = 25;
  std::atomic<int> wrong = 0;
  std::atomic<int> left = 0;
  std::atomic<int> done = 0;
  const auto one_call = [&](absl::InsecureBitGen& random) {
    Cancellation cancellation;
    const bool leaves = absl::Bernoulli(random, 0.5);
    const auto patience = absl::Microseconds(absl::Uniform(random, 0, 10000));
    std::thread leaver;
    if (leaves) {
      leaver = std::thread([&cancellation, patience] {
        // Chance, not synchronisation: whatever the statement is at then.
        absl::SleepFor(patience);
        cancellation.Cancel();
      });
    }
    const double nap = absl::Uniform(random, 0.0, 0.008);
    const absl::Status status = Run(cancellation, [nap](Session& session) {
      session.Run(kShortNap, nap);
      return absl::OkStatus();
    });
    if (leaves) leaver.join();
    if (status.ok()) {
      ++done;
    } else if (leaves && ReasonOf(status) == "CANCELLED") {
      ++left;
    } else {
      ++wrong;
      ADD_FAILURE() << status;
    }
  };
  std::vector<std::thread> callers;
  callers.reserve(kCallers);
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      absl::InsecureBitGen random;
      for (int round = 0; round < kRounds; ++round) one_call(random);
    });
  }
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(wrong, 0);
  EXPECT_GT(left, 0);
  EXPECT_GT(done, 0);
  const PoolFigures figures = pool_.Figures();
  EXPECT_EQ(figures.active, 0);
  EXPECT_TRUE(testing::Eventually([&] { return Sessions() == figures.idle; }));
}

TEST_F(CancelTest, BackendThatHangsHoldsNoCallBeyondItsDeadline) {
  Cancellation cancellation;
  int backend = 0;

  const absl::Status status = Run(
      cancellation,
      [&](Session& session) {
        backend = session.Run(kPid)[0][0].as<int>();
        kill(backend, SIGSTOP);
        session.Run(kShortNap, 0.0);
        return absl::OkStatus();
      },
      absl::Now() + absl::Milliseconds(200));
  kill(backend, SIGCONT);

  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED") << status;
  EXPECT_EQ(pool_.watchdog().cut(), 1);
  EXPECT_EQ(pool_.Figures().active, 0);
  EXPECT_EQ(pool_.Figures().idle, 0);
}

TEST_F(CancelTest, HangingPostmasterDoesNotKeepTheCancellerFromStopping) {
  auto lease = pool_.Acquire(Soon(), "test");
  ASSERT_TRUE(lease.ok());
  const std::shared_ptr<PGcancel> target = (*lease)->cancel_target();
  const pid_t postmaster = testing::TestPostgres().pid();
  Cancellation cancellation;
  auto canceller =
      std::make_unique<Canceller>(CancellerOptions{.patience = absl::Milliseconds(50)});
  kill(postmaster, SIGSTOP);
  {
    CancelScope scope(*canceller, target, &cancellation);
    cancellation.Cancel();
    EXPECT_TRUE(testing::Eventually([&] { return canceller->Figures().sending == 1; }));

    scope.End();

    EXPECT_TRUE(scope.Unclean(true));
  }
  canceller.reset();
  kill(postmaster, SIGCONT);
}

}  // namespace
}  // namespace aquifer
