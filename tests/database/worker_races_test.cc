// Two callers at once, round after round: one winner each time, and the tables agree.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <latch>
#include <string>
#include <thread>

#include "repositories/errors.h"
#include "repositories/worker_repository.h"
#include "tests/testing/pool_fixture.h"

namespace aquifer {
namespace {

constexpr int kRounds = 60;

class WorkerRacesTest : public testing::PoolFixture {
 protected:
  using Body = std::function<absl::Status(WorkerRepository&)>;

  // Runs `body` in a transaction as the server does; answers the reason it failed for, or "OK".
  std::string Run(const Body& body) {
    Receipt receipt;
    const absl::Status status = TransactionRunner(pool_).Run(
        {.method = "Race",
         .mode = TransactionMode::kReadWrite,
         .deadline = absl::Now() + absl::Minutes(2)},
        [&](Session& session) {
          WorkerRepository repository(session);
          return body(repository);
        },
        receipt);
    return status.ok() ? "OK" : ReasonOf(status);
  }

  // Runs two bodies at the same moment.
  std::array<std::string, 2> RunBoth(const Body& first, const Body& second) {
    std::array<std::string, 2> outcomes;
    std::latch both_ready(2);
    const auto run = [&](int i, const Body& body) {
      both_ready.arrive_and_wait();
      outcomes[i] = Run(body);
    };
    std::thread other(run, 1, std::cref(second));
    run(0, first);
    other.join();
    return outcomes;
  }

  std::int64_t Count(const std::string& from) {
    return database_.Execute("SELECT count(*) FROM aquifer." + from)[0][0].as<std::int64_t>();
  }

  static v1::RegisterWorkerRequest Registration(std::int64_t chat_id) {
    v1::RegisterWorkerRequest request;
    request.set_chat_id(chat_id);
    request.mutable_worker()->set_name("Ivan");
    return request;
  }

  ConnectionPool pool_{PoolOf(2), log_};
};

TEST_F(WorkerRacesTest, OneDialogueStateWins) {
  ASSERT_EQ(Run([](auto& workers) { return workers.RegisterWorker(Registration(7)).status(); }),
            "OK");
  for (int round = 0; round < kRounds; ++round) {
    const auto set = [&](const std::string& state) -> Body {
      v1::SetDialogueStateRequest request;
      request.set_worker_id(1);
      request.set_expected_state(
          database_.Execute("SELECT dialogue_state FROM aquifer.workers")[0][0].c_str());
      request.set_new_state(state + std::to_string(round));
      return [request](auto& workers) { return workers.SetDialogueState(request).status(); };
    };

    const auto outcomes = RunBoth(set("a"), set("b"));

    const bool first_won = outcomes[0] == "OK";
    EXPECT_EQ(outcomes[first_won ? 1 : 0], "DIALOGUE_STATE_CHANGED");
    EXPECT_EQ(outcomes[first_won ? 0 : 1], "OK");
    EXPECT_EQ(Count(std::string("workers WHERE dialogue_state = '") + (first_won ? 'a' : 'b') +
                    std::to_string(round) + "'"),
              1);
  }
}

TEST_F(WorkerRacesTest, OneShiftStartWins) {
  ASSERT_EQ(Run([](auto& workers) { return workers.RegisterWorker(Registration(7)).status(); }),
            "OK");
  v1::StartShiftRequest start;
  start.set_worker_id(1);
  v1::EndShiftRequest end;
  end.set_worker_id(1);
  const Body starts = [&](auto& workers) { return workers.StartShift(start).status(); };
  const Body ends = [&](auto& workers) { return workers.EndShift(end).status(); };
  for (int round = 0; round < kRounds; ++round) {
    const auto started = RunBoth(starts, starts);
    const auto ended = RunBoth(ends, ends);

    EXPECT_EQ((started[0] == "OK") + (started[1] == "OK"), 1);
    EXPECT_EQ((started[0] == "WORKER_ON_SHIFT") + (started[1] == "WORKER_ON_SHIFT"), 1);
    EXPECT_EQ((ended[0] == "OK") + (ended[1] == "OK"), 1);
    EXPECT_EQ((ended[0] == "WORKER_NOT_ON_SHIFT") + (ended[1] == "WORKER_NOT_ON_SHIFT"), 1);
  }
  EXPECT_EQ(Count("shifts"), kRounds);
  EXPECT_EQ(Count("work_points"), 2 * kRounds);
}

// An end and a start of the next shift: the start either came too soon or has its own shift, which
// begins no sooner than the last one ended.
TEST_F(WorkerRacesTest, AShiftNeverBeginsInTheLastOne) {
  ASSERT_EQ(Run([](auto& workers) { return workers.RegisterWorker(Registration(7)).status(); }),
            "OK");
  v1::StartShiftRequest start;
  start.set_worker_id(1);
  v1::EndShiftRequest end;
  end.set_worker_id(1);
  const Body starts = [&](auto& workers) { return workers.StartShift(start).status(); };
  const Body ends = [&](auto& workers) { return workers.EndShift(end).status(); };
  for (int round = 0; round < kRounds; ++round) {
    Run(starts);

    const auto outcomes = RunBoth(ends, starts);

    EXPECT_EQ(outcomes[0], "OK");
    EXPECT_TRUE(outcomes[1] == "OK" || outcomes[1] == "WORKER_ON_SHIFT") << outcomes[1];
  }
  EXPECT_EQ(Count("shifts AS a JOIN aquifer.shifts AS b ON a.worker_id = b.worker_id "
                  "AND a.id < b.id AND a.ended_at > b.started_at"),
            0);
}

TEST_F(WorkerRacesTest, OneRegistrationCreates) {
  for (int chat_id = 1; chat_id <= kRounds; ++chat_id) {
    std::array<bool, 2> created{};
    const auto registers = [&](int i) -> Body {
      return [&, i](auto& workers) {
        const auto answer = workers.RegisterWorker(Registration(chat_id));
        created[i] = answer.ok() && answer->created();
        return answer.status();
      };
    };

    const auto outcomes = RunBoth(registers(0), registers(1));

    EXPECT_EQ(outcomes[0], "OK");
    EXPECT_EQ(outcomes[1], "OK");
    EXPECT_NE(created[0], created[1]);
  }
  EXPECT_EQ(Count("workers"), kRounds);
}

TEST_F(WorkerRacesTest, OneUpdateOfAVersionWins) {
  ASSERT_EQ(Run([](auto& workers) { return workers.RegisterWorker(Registration(7)).status(); }),
            "OK");
  for (int round = 1; round <= kRounds; ++round) {
    const auto update = [&](const std::string& name) -> Body {
      v1::UpdateWorkerRequest request;
      request.set_id(1);
      request.set_version(round);
      request.mutable_worker()->set_name(name);
      request.mutable_update_mask()->add_paths("name");
      return [request](auto& workers) { return workers.UpdateWorker(request).status(); };
    };

    const auto outcomes = RunBoth(update("a"), update("b"));

    EXPECT_EQ((outcomes[0] == "OK") + (outcomes[1] == "OK"), 1);
    EXPECT_EQ((outcomes[0] == "STALE_VERSION") + (outcomes[1] == "STALE_VERSION"), 1);
  }
  EXPECT_EQ(Count("workers WHERE version = " + std::to_string(kRounds + 1)), 1);
}

}  // namespace
}  // namespace aquifer
