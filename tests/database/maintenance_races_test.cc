// Callers that want the same at once, through real transactions: one wins, many times over.
#include <absl/synchronization/barrier.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "repositories/errors.h"
#include "repositories/maintenance_repository.h"
#include "tests/testing/maintenance_test.h"
#include "tests/testing/pool_fixture.h"

namespace aquifer {
namespace {

using testing::Parsed;

constexpr int kRounds = 100;

class MaintenanceRacesTest : public testing::PoolFixture {
 protected:
  // Calls a method as the server does, retries included.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(
      TransactionRunner& runner,
      absl::StatusOr<Response> (MaintenanceRepository::*method)(const Request&),
      const Request& request) {
    Response response;
    Receipt receipt;
    const absl::Status status = runner.Run(
        {.method = "Race",
         .mode = TransactionMode::kReadWrite,
         .deadline = absl::Now() + absl::Minutes(2)},
        [&](Session& session) {
          const auto answer = (MaintenanceRepository(session).*method)(request);
          if (answer.ok()) response = *answer;
          return answer.status();
        },
        receipt);
    if (!status.ok()) return status;
    return response;
  }

  // Runs `first` and `second` at the same time.
  template <typename First, typename Second>
  static void Together(First first, Second second) {
    // Lives until both are past it, and is deleted by the last.
    auto* start = new absl::Barrier(2);
    const auto pass = [start] {
      if (start->Block()) delete start;
    };
    std::thread other([&] {
      pass();
      second();
    });
    pass();
    first();
    other.join();
  }
};

TEST_F(MaintenanceRacesTest, OfTwoWhoMoveOneTaskOneWinsEveryTime) {
  ConnectionPool pool(PoolOf(2), log_);
  TransactionRunner runner(pool);
  Call(runner, &MaintenanceRepository::UpsertMachines,
       Parsed<v1::UpsertMachinesRequest>("machines { device_id: '1' }"))
      .IgnoreError();
  for (int round = 1; round <= kRounds; ++round) {
    const auto created =
        Call(runner, &MaintenanceRepository::CreateTask,
             Parsed<v1::CreateTaskRequest>(
                 "details { title: 't' type: TASK_TYPE_SYSTEM_CLEANING device_id: '1' }"));
    ASSERT_TRUE(created.ok()) << created.status();
    // By version in one half of the rounds, by state in the other.
    auto complete = Parsed<v1::TransitionTaskRequest>("to: TASK_STATUS_COMPLETED");
    complete.set_id(created->task().id());
    if (round % 2) {
      complete.set_version(1);
    } else {
      complete.set_status(v1::TASK_STATUS_PENDING);
    }
    v1::TransitionTaskRequest cancel = complete;
    cancel.set_to(v1::TASK_STATUS_CANCELLED);
    absl::Status completed, cancelled;

    Together(
        [&] {
          completed = Call(runner, &MaintenanceRepository::TransitionTask, complete).status();
        },
        [&] { cancelled = Call(runner, &MaintenanceRepository::TransitionTask, cancel).status(); });

    ASSERT_NE(completed.ok(), cancelled.ok()) << completed << cancelled;
    ASSERT_EQ(ReasonOf(completed.ok() ? cancelled : completed), "STALE_VERSION");
    const pqxx::result stored =
        database_.Execute("SELECT status, version FROM aquifer.maintenance_tasks WHERE id = " +
                          std::to_string(created->task().id()));
    ASSERT_STREQ(stored[0][0].c_str(), completed.ok() ? "completed" : "cancelled");
    ASSERT_STREQ(stored[0][1].c_str(), "2");
  }
}

TEST_F(MaintenanceRacesTest, TwoCompletionsOfOneMachineLeaveTheLater) {
  ConnectionPool pool(PoolOf(2), log_);
  TransactionRunner runner(pool);
  Call(runner, &MaintenanceRepository::UpsertMachines,
       Parsed<v1::UpsertMachinesRequest>("machines { device_id: '1' }"))
      .IgnoreError();
  for (int round = 0; round < kRounds; ++round) {
    v1::TransitionTaskRequest requests[2];
    for (int i = 0; i < 2; ++i) {
      const auto created =
          Call(runner, &MaintenanceRepository::CreateTask,
               Parsed<v1::CreateTaskRequest>(
                   "details { title: 't' type: TASK_TYPE_SYSTEM_CLEANING device_id: '1' }"));
      ASSERT_TRUE(created.ok()) << created.status();
      requests[i].set_id(created->task().id());
      requests[i].set_version(1);
      requests[i].set_to(v1::TASK_STATUS_COMPLETED);
      requests[i].mutable_completed_at()->set_seconds(1000 + 2 * round + i);
    }
    const auto complete = [&](int i) {
      EXPECT_TRUE(Call(runner, &MaintenanceRepository::TransitionTask, requests[i]).ok());
    };

    Together([&] { complete(0); }, [&] { complete(1); });

    ASSERT_EQ(database_
                  .Execute("SELECT EXTRACT(EPOCH FROM last_maintenance_at)::bigint "
                           "FROM aquifer.machines")[0][0]
                  .as<int>(),
              1000 + 2 * round + 1);
  }
}

TEST_F(MaintenanceRacesTest, OverlappingBatchesOfMachinesInsertEachOnce) {
  ConnectionPool pool(PoolOf(2), log_);
  TransactionRunner runner(pool);
  for (int round = 0; round < 30; ++round) {
    v1::UpsertMachinesRequest forward, backward;
    for (int i = 0; i < 40; ++i) {
      forward.add_machines()->set_device_id(std::to_string(round * 30 + i));
      backward.add_machines()->set_device_id(std::to_string(round * 30 + 39 - i));
    }
    absl::StatusOr<v1::UpsertMachinesResponse> one, other;

    Together([&] { one = Call(runner, &MaintenanceRepository::UpsertMachines, forward); },
             [&] { other = Call(runner, &MaintenanceRepository::UpsertMachines, backward); });

    ASSERT_TRUE(one.ok() && other.ok()) << one.status() << other.status();
    // Ten of the forty were there from the round before.
    EXPECT_EQ(one->counts().inserted() + other->counts().inserted(), round == 0 ? 40 : 30);
    EXPECT_EQ(one->counts().unchanged() + other->counts().unchanged(), round == 0 ? 40 : 50);
  }
}

TEST_F(MaintenanceRacesTest, TestsOfOneMachineLeaveTheRatingOfTheLatest) {
  ConnectionPool pool(PoolOf(2), log_);
  TransactionRunner runner(pool);
  Call(runner, &MaintenanceRepository::UpsertMachines,
       Parsed<v1::UpsertMachinesRequest>("machines { device_id: '1' }"))
      .IgnoreError();
  for (int round = 0; round < kRounds; ++round) {
    const auto record = [&](int second, const std::string& rating) {
      EXPECT_TRUE(
          Call(runner, &MaintenanceRepository::RecordWaterQualityTest,
               Parsed<v1::RecordWaterQualityTestRequest>(
                   "reading { device_id: '1' overall_rating: WATER_QUALITY_" + rating +
                   " tested_at { seconds: " + std::to_string(1000 + 2 * round + second) + " } }"))
              .ok());
    };

    Together([&] { record(0, "POOR"); }, [&] { record(1, "GOOD"); });

    ASSERT_STREQ(database_.Execute("SELECT water_quality FROM aquifer.machines")[0][0].c_str(),
                 "good");
  }
}

}  // namespace
}  // namespace aquifer
