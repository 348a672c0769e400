#include "server/database/transaction_runner.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/synchronization/notification.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/pool_fixture.h"

namespace aquifer {
namespace {

constexpr Statement kBalance = {"test.balance", R"sql(
  SELECT amount
  FROM public.accounts
  WHERE id = $1::int)sql"};
constexpr Statement kAdd = {"test.add", R"sql(
  UPDATE public.accounts
  SET amount = amount + $2::int
  WHERE id = $1::int)sql"};
constexpr Statement kUnchanged = {"test.unchanged", R"sql(
  SELECT public.unchanged($1::int, $2::int))sql"};
constexpr Statement kEverything = {"test.everything", R"sql(SELECT * FROM public.accounts)sql"};
constexpr Statement kFail = {"test.fail", R"sql(SELECT public.fail($1::text, $2::text))sql"};
constexpr Statement kNap = {"test.nap", R"sql(SELECT pg_sleep(30))sql"};
constexpr Statement kSettings = {"test.settings", R"sql(
  SELECT current_setting('transaction_isolation'),
         current_setting('transaction_read_only'),
         current_setting('TimeZone'),
         current_setting('application_name'),
         extract(epoch FROM current_setting('statement_timeout')::interval)::float8)sql"};
constexpr Statement kMissing = {"test.missing", R"sql(SELECT 1 FROM public.nowhere)sql"};
constexpr Statement kTerminateSelf = {"test.terminate_self",
                                      R"sql(SELECT pg_terminate_backend(pg_backend_pid()))sql"};
constexpr Statement kDoomCommit = {"test.doom_commit", R"sql(
  INSERT INTO public.doom (id)
  VALUES (1))sql"};

class TransactionRunnerTest : public testing::PoolFixture {
 protected:
  TransactionRunnerTest() {
    database_.Execute(
        "CREATE TABLE public.accounts (id int PRIMARY KEY, amount int NOT NULL "
        "CONSTRAINT not_overdrawn CHECK (amount >= 0));"
        "INSERT INTO public.accounts VALUES (1, 100), (2, 100);"
        "CREATE FUNCTION public.unchanged(account int, seen int) RETURNS void LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM FROM public.accounts WHERE id = account AND amount = seen; "
        "IF NOT FOUND THEN RAISE EXCEPTION 'changed' USING ERRCODE = '40001'; END IF; END $$");
  }

  absl::Status Run(TransactionMode mode, absl::FunctionRef<absl::Status(Session&)> body,
                   absl::Time deadline = Soon()) {
    receipt_ = Receipt();
    return runner_.Run({.method = "Test", .mode = mode, .deadline = deadline}, body, receipt_);
  }
  absl::Status Read(absl::FunctionRef<absl::Status(Session&)> body) {
    return Run(TransactionMode::kReadOnly, body);
  }
  absl::Status Write(absl::FunctionRef<absl::Status(Session&)> body) {
    return Run(TransactionMode::kReadWrite, body);
  }

  static absl::Status AddOne(Session& session) {
    session.Run(kAdd, 1, 1);
    return absl::OkStatus();
  }

  int Amount(int id) {
    return database_
        .Execute(absl::StrCat("SELECT amount FROM public.accounts WHERE id = ", id))[0][0]
        .as<int>();
  }

  ConnectionPool pool_{PoolOf(4), log_};
  TransactionRunner runner_{pool_};
  Receipt receipt_;
};

class DomainRule14Test : public TransactionRunnerTest {
 protected:
  // How often `work` sent something to the database and waited for the answer, as libpq traces it
  // on the pool's one connection. Lines are "<time> F <length> <message> ...", F for what we send.
  int RoundTripsOf(absl::FunctionRef<void()> work) {
    std::FILE* trace = std::tmpfile();
    Trace(trace);
    work();
    Trace(nullptr);
    std::rewind(trace);
    int trips = 0;
    char line[65536];
    while (std::fgets(line, sizeof line, trace) != nullptr) {
      const std::vector<std::string> parts = absl::StrSplit(line, '\t');
      if (parts.size() < 4 || parts[1] != "F") continue;
      const std::string message = parts[3].substr(0, parts[3].find_first_of(" \n"));
      if (message == "Query" || message == "Sync") ++trips;
    }
    std::fclose(trace);
    return trips;
  }

 private:
  void Trace(std::FILE* trace) {
    auto lease = pool_.Acquire(Soon(), "test");
    ASSERT_TRUE(lease.ok());
    (*lease)->pqxx().trace(trace);
  }
};

using DomainRule15Test = TransactionRunnerTest;

TEST_F(TransactionRunnerTest, CommitsWhatTheBodyDid) {
  const absl::Status status = Write(AddOne);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(Amount(1), 101);
  EXPECT_EQ(receipt_.attempts, 1);
  EXPECT_EQ(receipt_.rows, 1);
  EXPECT_GT(receipt_.sql, absl::ZeroDuration());
  EXPECT_GT(receipt_.commit, absl::ZeroDuration());
}

TEST_F(TransactionRunnerTest, RollsBackAndReturnsTheBodysOwnError) {
  const absl::Status status = Write([](Session& session) {
    session.Run(kAdd, 1, 1);
    return WorkerNotFound(42);
  });

  EXPECT_EQ(ReasonOf(status), "WORKER_NOT_FOUND");
  EXPECT_EQ(status.message(), "worker 42 not found");
  EXPECT_EQ(Amount(1), 100);
  EXPECT_EQ(pool_.Figures().idle, 1);
}

TEST_F(TransactionRunnerTest, OpensTheTransactionTheModeAsksFor) {
  const auto settings = [](std::string& text) {
    return [&text](Session& session) {
      const pqxx::result rows = session.Run(kSettings);
      text = absl::StrCat(rows[0][0].c_str(), ", ", rows[0][1].c_str(), ", ", rows[0][2].c_str(),
                          ", ", rows[0][3].c_str());
      EXPECT_GT(rows[0][4].as<double>(), 15);
      EXPECT_LE(rows[0][4].as<double>(), 20);
      return absl::OkStatus();
    };
  };
  std::string read, write;

  EXPECT_TRUE(Read(settings(read)).ok());
  EXPECT_TRUE(Write(settings(write)).ok());

  EXPECT_EQ(read, "repeatable read, on, Europe/Kyiv, aquifer/test");
  EXPECT_EQ(write, "read committed, off, Europe/Kyiv, aquifer/test");
}

TEST_F(TransactionRunnerTest, BackendThatDiedWhileIdleGoesUnnoticed) {
  ASSERT_TRUE(Write(AddOne).ok());
  TerminateBackends();

  const absl::Status status = Write(AddOne);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(Amount(1), 102);
  EXPECT_EQ(receipt_.attempts, 1);
  EXPECT_EQ(pool_.Figures().Closed(CloseReason::kBroken), 1);
}

TEST_F(TransactionRunnerTest, WriteWhoseConnectionBreaksInMidBodyIsNotRepeated) {
  int runs = 0;

  const absl::Status status = Write([&](Session& session) {
    ++runs;
    session.Run(kAdd, 1, 1);
    session.Run(kTerminateSelf);
    return absl::OkStatus();
  });

  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Amount(1), 100);
  EXPECT_EQ(pool_.Figures().Closed(CloseReason::kBroken), 1);
}

TEST_F(TransactionRunnerTest, ReadWhoseConnectionBreaksInMidBodyIsReadAgainOnce) {
  int runs = 0;

  const absl::Status once = Read([&](Session& session) {
    if (++runs == 1) session.Run(kTerminateSelf);
    session.Run(kBalance, 1);
    return absl::OkStatus();
  });
  const absl::Status always = Read([&](Session& session) {
    session.Run(kTerminateSelf);
    return absl::OkStatus();
  });

  EXPECT_EQ(once, absl::OkStatus());
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(ReasonOf(always), "DATABASE_UNAVAILABLE");
}

TEST_F(TransactionRunnerTest, CommitThatEndsItsBackendIsTriedAgainAndNothingWritten) {
  database_.Execute(
      "CREATE TABLE public.doom (id int);"
      "CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
      "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON public.doom DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION public.die()");
  int runs = 0;

  const absl::Status status = Write([&](Session& session) {
    ++runs;
    session.Run(kDoomCommit);
    return absl::OkStatus();
  });

  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(database_.Execute("SELECT id FROM public.doom").size(), 0u);
}

TEST_F(TransactionRunnerTest, SerializationConflictRunsAgain) {
  int runs = 0;
  int seen = 0;

  const absl::Status status = Write([&](Session& session) {
    seen = session.Run(kBalance, 1)[0][0].as<int>();
    // Between our read and our write, another transaction commits.
    if (++runs == 1) database_.Execute("UPDATE public.accounts SET amount = 500 WHERE id = 1");
    session.Run(kUnchanged, 1, seen);
    session.Run(kAdd, 1, 1);
    return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(receipt_.attempts, 2);
  EXPECT_EQ(seen, 500);
  EXPECT_EQ(Amount(1), 501);
}

TEST_F(TransactionRunnerTest, CollisionsEndAfterTheMostAttempts) {
  int runs = 0;

  const absl::Status status = Write([&](Session& session) {
    ++runs;
    const int seen = session.Run(kBalance, 1)[0][0].as<int>();
    database_.Execute("UPDATE public.accounts SET amount = amount + 10 WHERE id = 1");
    session.Run(kUnchanged, 1, seen);
    session.Run(kAdd, 1, 1);
    return absl::OkStatus();
  });

  EXPECT_EQ(ReasonOf(status), "TRANSACTION_CONFLICT");
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(Amount(1), 130);
}

TEST_F(TransactionRunnerTest, DeadlockVictimRunsAgain) {
  // Each side locks its first account, tells the other, and goes for the other's.
  absl::Notification locked[2];
  absl::Status status[2];
  Receipt receipt[2];
  const auto side = [&](int me) {
    const auto body = [&](Session& session) {
      session.Run(kAdd, me + 1, 1);
      if (!locked[me].HasBeenNotified()) locked[me].Notify();
      if (!locked[1 - me].WaitForNotificationWithTimeout(absl::Seconds(10))) {
        return absl::InternalError("the other side never came");
      }
      session.Run(kAdd, 2 - me, 1);
      return absl::OkStatus();
    };
    status[me] =
        runner_.Run({.method = "Test", .mode = TransactionMode::kReadWrite, .deadline = Soon()},
                    body, receipt[me]);
  };

  std::thread other([&] { side(1); });
  side(0);
  other.join();

  EXPECT_EQ(status[0], absl::OkStatus());
  EXPECT_EQ(status[1], absl::OkStatus());
  EXPECT_EQ(receipt[0].attempts + receipt[1].attempts, 3);
  EXPECT_EQ(Amount(1), 102);
  EXPECT_EQ(Amount(2), 102);
}

TEST_F(TransactionRunnerTest, StatementStopsAtTheDeadline) {
  const absl::Time began = absl::Now();

  const absl::Status status = Run(
      TransactionMode::kReadOnly,
      [](Session& session) {
        session.Run(kNap);
        return absl::OkStatus();
      },
      began + absl::Milliseconds(200));

  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED");
  EXPECT_LT(absl::Now() - began, absl::Seconds(5));
  EXPECT_EQ(pool_.Figures().idle, 1);
}

TEST_F(TransactionRunnerTest, PassedDeadlineNeverTouchesTheDatabase) {
  const absl::Status status =
      Run(TransactionMode::kReadWrite, AddOne, absl::Now() - absl::Seconds(1));

  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED");
  EXPECT_EQ(receipt_.attempts, 0);
  EXPECT_EQ(pool_.Figures().opened, 0);
}

TEST_F(TransactionRunnerTest, DeadlinePassedBeforeTheCommitWritesNothing) {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(300);

  const absl::Status status = Run(
      TransactionMode::kReadWrite,
      [&](Session& session) {
        session.Run(kAdd, 1, 1);
        // What the body does outside of statements is not bounded by statement_timeout.
        absl::Notification never;
        never.WaitForNotificationWithDeadline(deadline);
        return absl::OkStatus();
      },
      deadline);

  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED");
  EXPECT_EQ(Amount(1), 100);
}

TEST_F(TransactionRunnerTest, PreparesAgainWhenATableChangedShape) {
  const auto everything = [](Session& session) {
    session.Run(kEverything);
    session.Run(kBalance, 1);
    return absl::OkStatus();
  };
  ASSERT_TRUE(Read(everything).ok());
  database_.Execute("ALTER TABLE public.accounts ADD COLUMN more int");

  EXPECT_EQ(Read(everything), absl::OkStatus());
  EXPECT_EQ(Read(everything), absl::OkStatus());
  EXPECT_EQ(receipt_.attempts, 1);
  EXPECT_EQ(pool_.Figures().opened, 1);
}

TEST_F(TransactionRunnerTest, PreparesAgainWhenPreparedStatementsAreGone) {
  ASSERT_TRUE(Write(AddOne).ok());
  {
    auto lease = pool_.Acquire(Soon(), "test");
    ASSERT_TRUE(lease.ok());
    pqxx::nontransaction((*lease)->pqxx()).exec("DISCARD ALL");
  }

  const absl::Status status = Write(AddOne);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(Amount(1), 102);
  EXPECT_EQ(pool_.Figures().opened, 1);
}

TEST_F(TransactionRunnerTest, BrokenConstraintIsNamed) {
  const absl::Status status = Write([](Session& session) {
    session.Run(kAdd, 1, -1000);
    return absl::OkStatus();
  });

  EXPECT_EQ(ReasonOf(status), "CONSTRAINT_VIOLATED");
  EXPECT_EQ(status.message(), "the write breaks a rule of the database: not_overdrawn");
  EXPECT_EQ(pool_.Figures().idle, 1);
}

TEST_F(TransactionRunnerTest, MissingTableIsASchemaMismatch) {
  const absl::Status status = Read([](Session& session) {
    session.Run(kMissing);
    return absl::OkStatus();
  });

  EXPECT_EQ(ReasonOf(status), "SCHEMA_MISMATCH");
}

TEST_F(TransactionRunnerTest, WriteInAReadOnlyTransactionIsRefused) {
  const absl::Status status = Read(AddOne);

  EXPECT_EQ(ReasonOf(status), "INTERNAL");
  EXPECT_EQ(Amount(1), 100);
}

// Everything a transaction sends is its own: BEGIN with its timeout, the statements, COMMIT.
TEST_F(DomainRule14Test, NoPingGoesBeforeAStatement) {
  ASSERT_TRUE(Write(AddOne).ok());

  EXPECT_EQ(RoundTripsOf([&] { EXPECT_TRUE(Write(AddOne).ok()); }), 3);
}

TEST_F(DomainRule14Test, OneSlowStatementSpoilsNothingForTheNext) {
  const absl::Status slow = Run(
      TransactionMode::kReadOnly,
      [](Session& session) {
        session.Run(kNap);
        return absl::OkStatus();
      },
      absl::Now() + absl::Milliseconds(100));

  EXPECT_EQ(ReasonOf(slow), "DEADLINE_EXCEEDED");
  EXPECT_TRUE(Write(AddOne).ok());
  EXPECT_EQ(pool_.Figures().opened, 1);
}

// An error whose text speaks of a deadlock, but whose class does not, is not repeated; one whose
// class is a deadlock is, whatever it says.
TEST_F(DomainRule15Test, RetryFollowsTheClassNeverTheText) {
  database_.Execute(
      "CREATE FUNCTION public.fail(state text, says text) RETURNS int LANGUAGE plpgsql AS "
      "$$ BEGIN RAISE EXCEPTION '%', says USING ERRCODE = state; END $$");
  const auto runs_of = [this](const char* state, const char* says) {
    int runs = 0;
    const absl::Status status = Write([&](Session& session) {
      ++runs;
      session.Run(kFail, state, says);
      return absl::OkStatus();
    });
    EXPECT_FALSE(status.ok());
    return runs;
  };

  EXPECT_EQ(runs_of("XX000", "deadlock detected"), 1);
  EXPECT_EQ(runs_of("23505", "could not serialize access, try again"), 1);
  EXPECT_EQ(runs_of("40P01", "nothing to see here"), 3);
  EXPECT_EQ(runs_of("40001", "nothing to see here"), 3);
}

TEST_F(TransactionRunnerTest, ExceptionOfTheBodyTellsTheCallerNothing) {
  const absl::Status status = Write([](Session& session) -> absl::Status {
    session.Run(kAdd, 1, 1);
    throw std::runtime_error("the phone number is 0501234567");
  });

  EXPECT_EQ(ReasonOf(status), "INTERNAL");
  EXPECT_EQ(status.message().find("050"), absl::string_view::npos);
  EXPECT_EQ(Amount(1), 100);
  EXPECT_EQ(pool_.Figures().idle, 1);
}

}  // namespace
}  // namespace aquifer
