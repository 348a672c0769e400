// Callers at once, through real transactions: one winner each time.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/jobs_test.h"
#include "tests/testing/pool_fixture.h"

namespace aquifer {
namespace {

using testing::BeginBy;
using testing::DeliveryBy;
using testing::OfLease;

constexpr int kCallers = 4;
constexpr int kRounds = 200;

class JobRacesTest : public testing::PoolFixture {
 protected:
  JobRacesTest() : pool_(PoolOf(kCallers), log_), runner_(pool_) {}

  // Calls a method as the server does, retries included.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(absl::StatusOr<Response> (JobRepository::*method)(const Request&),
                                const Request& request) {
    absl::StatusOr<Response> response = absl::UnknownError("not run");
    Receipt receipt;
    const absl::Status status = runner_.Run(
        {.method = "Race",
         .mode = TransactionMode::kReadWrite,
         .deadline = absl::Now() + absl::Minutes(1)},
        [&](Session& session) {
          response = (JobRepository(session).*method)(request);
          return response.status();
        },
        receipt);
    if (!status.ok()) return status;
    return response;
  }

  // Runs `act` with 0, 1, ... at once and answers how often it answered true.
  static int Winners(const std::function<bool(int)>& act) {
    std::vector<char> won(kCallers);
    std::vector<std::thread> threads;
    for (int i = 0; i < kCallers; ++i) {
      threads.emplace_back([&, i] { won[i] = act(i); });
    }
    for (std::thread& thread : threads) thread.join();
    int winners = 0;
    for (const char one : won) winners += one;
    return winners;
  }

  // Whether the caller acquired the run of `key`; whoever did not is told who holds it.
  bool Acquires(const std::string& key, const std::string& lease_token) {
    auto request = BeginBy(lease_token);
    request.set_key(key);
    const auto begun = Call(&JobRepository::BeginJobRun, request);
    EXPECT_TRUE(begun.ok()) << begun.status();
    if (!begun.ok()) return false;
    const bool acquired = begun->outcome() == v1::BEGIN_OUTCOME_ACQUIRED;
    EXPECT_EQ(begun->run().holder() == request.holder(), acquired);
    return acquired;
  }

  ConnectionPool pool_;
  TransactionRunner runner_;
};

TEST_F(JobRacesTest, OneOfManyBeginsARun) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string key = absl::StrCat(round);

    const int winners = Winners([&](int i) { return Acquires(key, absl::StrCat("t", i)); });

    ASSERT_EQ(winners, 1) << "round " << round;
  }
}

TEST_F(JobRacesTest, OneOfManyTakesARunOver) {
  ASSERT_TRUE(Acquires("key", "first"));
  for (int round = 0; round < kRounds; ++round) {
    database_.Execute(
        "UPDATE aquifer.job_runs SET lease_expires_at = clock_timestamp() - interval '1 second'");

    const int winners =
        Winners([&](int i) { return Acquires("key", absl::StrCat("t", round, "-", i)); });

    ASSERT_EQ(winners, 1) << "round " << round;
  }
  EXPECT_EQ(database_.Execute("SELECT attempt FROM aquifer.job_runs")[0][0].as<int>(), kRounds + 1);
}

// The old holder comes back at the very moment another takes over: one of them has the run.
TEST_F(JobRacesTest, EitherTheHolderFinishesOrAnotherTakesOver) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string key = absl::StrCat(round);
    ASSERT_TRUE(Acquires(key, "old"));
    database_.Execute(
        "UPDATE aquifer.job_runs SET lease_expires_at = clock_timestamp() - interval '1 second'");
    auto finish = OfLease<v1::FinishJobRunRequest>("old");
    finish.set_key(key);
    finish.set_outcome(v1::JOB_RUN_STATE_SUCCEEDED);
    auto begin = BeginBy("new");
    begin.set_key(key);

    const int winners = Winners([&](int i) {
      if (i == 0) {
        const auto finished = Call(&JobRepository::FinishJobRun, finish);
        EXPECT_TRUE(finished.ok() || ReasonOf(finished.status()) == "LEASE_LOST");
        return finished.ok();
      }
      if (i > 1) return false;
      const auto begun = Call(&JobRepository::BeginJobRun, begin);
      return begun.ok() && begun->outcome() == v1::BEGIN_OUTCOME_ACQUIRED;
    });

    ASSERT_EQ(winners, 1) << "round " << round;
  }
}

// Senders that share a lease, as threads of one process do: the claim that is new sends.
TEST_F(JobRacesTest, OneOfManyClaimsAChat) {
  ASSERT_TRUE(Call(&JobRepository::BeginJobRun, BeginBy("lease")).ok());
  for (int round = 1; round <= kRounds; ++round) {
    const auto claim = DeliveryBy("lease", round, v1::DELIVERY_STATE_CLAIMED);

    const int winners = Winners([&](int) {
      const auto answer = Call(&JobRepository::RecordDelivery, claim);
      EXPECT_TRUE(answer.ok()) << answer.status();
      return answer.ok() && answer->created();
    });

    ASSERT_EQ(winners, 1) << "round " << round;
  }
  EXPECT_EQ(database_.Execute("SELECT chat_id FROM aquifer.deliveries").size(), kRounds);
}

}  // namespace
}  // namespace aquifer
