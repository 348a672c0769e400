#include "server/rpc/executor.h"

#include <absl/synchronization/notification.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/testing/eventually.h"

namespace aquifer {
namespace {

using testing::Eventually;

constexpr absl::Duration kLongEnough = absl::Seconds(60);

class FunctionJob final : public Executor::Job {
 public:
  explicit FunctionJob(std::function<void()> function) : function_(std::move(function)) {}
  void Run() override { function_(); }

 private:
  std::function<void()> function_;
};

// Holds the executor's only thread until it is let go.
class Blocker final : public Executor::Job {
 public:
  void Run() override {
    started.Notify();
    release.WaitForNotificationWithTimeout(kLongEnough);
  }

  absl::Notification started;
  absl::Notification release;
};

TEST(ExecutorTest, RunsJobsInOrder) {
  std::vector<int> order;
  FunctionJob first([&] { order.push_back(1); });
  FunctionJob second([&] { order.push_back(2); });
  {
    Executor executor({.threads = 1, .queue = {.capacity = 10}});
    ASSERT_TRUE(executor.TrySubmit(first));
    ASSERT_TRUE(executor.TrySubmit(second));
  }

  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(ExecutorTest, FullQueueRefusesAtOnceAndCounts) {
  Blocker blocker;
  FunctionJob job([] {});
  FunctionJob refused([] { FAIL() << "a refused job ran"; });
  Executor executor({.threads = 1, .queue = {.capacity = 1}});
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
  ASSERT_TRUE(executor.TrySubmit(job));

  EXPECT_FALSE(executor.TrySubmit(refused));

  EXPECT_EQ(executor.Figures().refused, 1);
  EXPECT_EQ(executor.Figures().queued, 1);
  EXPECT_EQ(executor.Figures().running, 1);
  blocker.release.Notify();
}

TEST(ExecutorTest, WithdrawnJobGivesUpItsPlaceAndNeverRuns) {
  Blocker blocker;
  FunctionJob withdrawn([] { FAIL() << "a withdrawn job ran"; });
  std::atomic<int> ran = 0;
  FunctionJob first([&] { ++ran; });
  FunctionJob second([&] { ++ran; });
  const Claim claim = {.caller = 1, .bytes = 60};
  {
    Executor executor({.threads = 1, .queue = {.capacity = 2, .max_bytes = 100}});
    ASSERT_TRUE(executor.TrySubmit(blocker));
    ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
    ASSERT_TRUE(executor.TrySubmit(first, Lane::kInteractive, {.caller = 1, .bytes = 40}));
    ASSERT_TRUE(executor.TrySubmit(withdrawn, Lane::kInteractive, claim));
    ASSERT_FALSE(executor.TrySubmit(second, Lane::kInteractive, claim));

    EXPECT_TRUE(executor.Withdraw(withdrawn, Lane::kInteractive, claim));
    EXPECT_FALSE(executor.Withdraw(withdrawn, Lane::kInteractive, claim)) << "it has no place";
    EXPECT_FALSE(executor.Withdraw(blocker)) << "it runs";

    EXPECT_EQ(executor.Figures().queued, 1);
    EXPECT_EQ(executor.Figures().queued_bytes, 40);
    EXPECT_EQ(executor.Figures().withdrawn, 1);
    EXPECT_TRUE(executor.TrySubmit(second, Lane::kInteractive, claim));
    blocker.release.Notify();
  }
  EXPECT_EQ(ran, 2);
}

TEST(ExecutorTest, JobsWithdrawnFromAStuckQueueAreNoProgress) {
  Blocker blocker;
  FunctionJob job([] {});
  Executor executor({.threads = 1, .queue = {.capacity = 2}});
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
  EXPECT_TRUE(executor.MakesProgress(absl::ZeroDuration() + absl::Hours(1)));
  ASSERT_TRUE(executor.TrySubmit(job));
  ASSERT_TRUE(executor.Withdraw(job));

  EXPECT_FALSE(executor.MakesProgress(absl::ZeroDuration()));
  blocker.release.Notify();
}

TEST(ExecutorTest, CallersTakeTurns) {
  Blocker blocker;
  std::string order;
  std::deque<FunctionJob> jobs;
  {
    Executor executor({.threads = 1, .queue = {.capacity = 100}});
    ASSERT_TRUE(executor.TrySubmit(blocker));
    ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
    for (const char caller : std::string("aaaaabc")) {
      jobs.emplace_back([&order, caller] { order += caller; });
      ASSERT_TRUE(executor.TrySubmit(jobs.back(), Lane::kInteractive,
                                     {.caller = static_cast<std::uint64_t>(caller)}));
    }
    blocker.release.Notify();
  }

  EXPECT_EQ(order, "abcaaaa");
}

TEST(ExecutorTest, NobodyFillsMoreThanTheirShare) {
  Blocker blocker;
  std::deque<FunctionJob> jobs;
  Executor executor({.threads = 1, .queue = {.capacity = 4, .caller_share = 0.5}});
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
  const auto submit = [&](std::uint64_t caller) {
    jobs.emplace_back([] {});
    return executor.TrySubmit(jobs.back(), Lane::kInteractive, {.caller = caller});
  };

  EXPECT_TRUE(submit(1));
  EXPECT_TRUE(submit(1));
  EXPECT_FALSE(submit(1));
  EXPECT_TRUE(submit(2));

  blocker.release.Notify();
}

TEST(ExecutorTest, RequestsThatWaitTakeNoMoreMemoryThanAllowed) {
  Blocker blocker;
  FunctionJob small([] {});
  FunctionJob large([] { FAIL() << "a refused job ran"; });
  Executor executor({.threads = 1, .queue = {.capacity = 10, .max_bytes = 100}});
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));

  EXPECT_TRUE(executor.TrySubmit(small, Lane::kInteractive, {.bytes = 60}));
  EXPECT_FALSE(executor.TrySubmit(large, Lane::kInteractive, {.bytes = 60}));

  EXPECT_EQ(executor.Figures().queued_bytes, 60);
  blocker.release.Notify();
}

TEST(ExecutorTest, OverdueJobRunsWhileEveryThreadIsBusy) {
  Blocker blocker;
  absl::Notification ran;
  FunctionJob overdue([&] { ran.Notify(); });
  FunctionJob patient([] {});
  Executor executor({.threads = 1, .queue = {.capacity = 10}});
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
  ASSERT_TRUE(executor.TrySubmit(patient));
  ASSERT_TRUE(executor.TrySubmit(overdue, Lane::kInteractive,
                                 {.until = absl::Now() + absl::Milliseconds(20)}));

  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(kLongEnough));

  EXPECT_TRUE(Eventually([&] { return executor.Figures().overdue == 1; }));
  EXPECT_EQ(executor.Figures().queued, 1);
  blocker.release.Notify();
}

TEST(ExecutorTest, OverdueJobsAreNoProgress) {
  Blocker blocker;
  FunctionJob overdue([] {});
  Executor executor({.threads = 1, .queue = {.capacity = 10}});
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
  ASSERT_TRUE(executor.MakesProgress(kLongEnough));
  ASSERT_TRUE(executor.TrySubmit(overdue, Lane::kInteractive, {.until = absl::InfinitePast()}));
  ASSERT_TRUE(Eventually([&] { return executor.Figures().overdue == 1; }));

  EXPECT_FALSE(executor.MakesProgress(absl::Nanoseconds(1)));

  blocker.release.Notify();
  EXPECT_TRUE(Eventually([&] { return executor.Figures().running == 0; }));
  EXPECT_TRUE(executor.MakesProgress(absl::Nanoseconds(1)));
}

TEST(ExecutorTest, NewcomerWaitsForOneTurnOfACrowdedCaller) {
  Blocker blocker;
  std::deque<FunctionJob> jobs;
  Executor executor({.threads = 1, .queue = {.capacity = 100}});
  // Something to go by.
  FunctionJob first([] { absl::SleepFor(absl::Milliseconds(5)); });
  ASSERT_TRUE(executor.TrySubmit(first));
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
  for (int job = 0; job < 50; ++job) {
    jobs.emplace_back([] {});
    ASSERT_TRUE(executor.TrySubmit(jobs.back(), Lane::kInteractive, {.caller = 1}));
  }

  EXPECT_GT(executor.EstimatedWait(Lane::kInteractive, 1),
            20 * executor.EstimatedWait(Lane::kInteractive, 2));
  blocker.release.Notify();
}

TEST(ExecutorTest, InteractiveCallsGoFirstAndBulkWorkStillMovesOn) {
  Blocker blocker;
  std::string order;
  std::deque<FunctionJob> jobs;
  {
    Executor executor({.threads = 1, .queue = {.capacity = 100}});
    ASSERT_TRUE(executor.TrySubmit(blocker));
    ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(executor.TrySubmit(jobs.emplace_back([&] { order += 'b'; }), Lane::kBatch));
    }
    for (int i = 0; i < 7; ++i) {
      ASSERT_TRUE(executor.TrySubmit(jobs.emplace_back([&] { order += 'i'; })));
    }

    blocker.release.Notify();
  }

  EXPECT_EQ(order, "iiibiiibib");
}

TEST(ExecutorTest, BulkWorkFillsHalfOfTheQueueAtMost) {
  Blocker blocker;
  FunctionJob job([] {});
  Executor executor({.threads = 1, .queue = {.capacity = 4}});
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));

  EXPECT_TRUE(executor.TrySubmit(job, Lane::kBatch));
  EXPECT_TRUE(executor.TrySubmit(job, Lane::kBatch));
  EXPECT_FALSE(executor.TrySubmit(job, Lane::kBatch));
  EXPECT_TRUE(executor.TrySubmit(job));
  EXPECT_TRUE(executor.TrySubmit(job));
  EXPECT_FALSE(executor.TrySubmit(job));

  blocker.release.Notify();
}

TEST(ExecutorTest, WaitIsEstimatedByWhatIsAheadInTheLane) {
  Blocker blocker;
  FunctionJob job([] {});
  Executor executor({.threads = 1, .queue = {.capacity = 100}});
  EXPECT_EQ(executor.EstimatedWait(), absl::ZeroDuration());
  // So that there is a time that jobs take.
  FunctionJob slow([] { absl::SleepFor(absl::Milliseconds(20)); });
  ASSERT_TRUE(executor.TrySubmit(slow));
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(executor.TrySubmit(job, Lane::kBatch));

  EXPECT_GE(executor.EstimatedWait(), absl::Milliseconds(2));
  EXPECT_GT(executor.EstimatedWait(Lane::kBatch), 5 * executor.EstimatedWait());

  blocker.release.Notify();
}

TEST(ExecutorTest, AdmittedStreamMayContinuePastTheBound) {
  Blocker blocker;
  std::atomic<int> ran = 0;
  FunctionJob job([&] { ++ran; });
  FunctionJob step([&] { ++ran; });
  {
    Executor executor({.threads = 1, .queue = {.capacity = 1}});
    ASSERT_TRUE(executor.TrySubmit(blocker));
    ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
    ASSERT_TRUE(executor.TrySubmit(job));

    executor.Continue(step);

    blocker.release.Notify();
  }
  EXPECT_EQ(ran, 2);
}

TEST(ExecutorTest, StandstillIsSeenAndEnds) {
  Blocker blocker;
  FunctionJob job([] {});
  Executor executor({.threads = 1, .queue = {.capacity = 10}});
  ASSERT_TRUE(executor.TrySubmit(blocker));
  ASSERT_TRUE(blocker.started.WaitForNotificationWithTimeout(kLongEnough));
  EXPECT_TRUE(executor.MakesProgress(absl::Nanoseconds(1)));
  ASSERT_TRUE(executor.TrySubmit(job));

  EXPECT_FALSE(executor.MakesProgress(absl::Nanoseconds(1)));
  EXPECT_TRUE(executor.MakesProgress(absl::Hours(1)));

  blocker.release.Notify();
  ASSERT_TRUE(Eventually([&] { return executor.Figures().finished == 2; }));
  EXPECT_TRUE(executor.MakesProgress(absl::Nanoseconds(1)));
}

TEST(ExecutorTest, ManySubmittersLoseNoJob) {
  constexpr int kSubmitters = 8;
  constexpr int kEach = 2000;
  std::atomic<int> ran = 0;
  FunctionJob job([&] { ++ran; });
  std::atomic<int> accepted = 0;
  {
    Executor executor({.threads = 4, .queue = {.capacity = 64}});
    std::vector<std::thread> submitters;
    for (int i = 0; i < kSubmitters; ++i) {
      submitters.emplace_back([&] {
        for (int k = 0; k < kEach; ++k) accepted += executor.TrySubmit(job);
      });
    }
    for (std::thread& submitter : submitters) submitter.join();
  }

  EXPECT_EQ(ran, accepted);
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace aquifer
