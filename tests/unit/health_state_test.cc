#include "server/health/health_state.h"

#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace aquifer {
namespace {

constexpr auto kServing = ServingStatus::kServing;
constexpr auto kNotServing = ServingStatus::kNotServing;
constexpr char kCollections[] = "aquifer.v1.CollectionRepository";
constexpr char kAdmin[] = "aquifer.v1.Admin";

// Counts how often it is told, and what "" was at that time.
class Recorder : public HealthWatcher {
 public:
  explicit Recorder(const HealthState& state) : state_(state) {}
  void OnHealthChanged() override { seen.push_back(*state_.StatusOf("")); }

  std::vector<ServingStatus> seen;

 private:
  const HealthState& state_;
};

class HealthStateTest : public ::testing::Test {
 protected:
  HealthLook Good() { return {.sign = Sign::kGood, .reason = "", .next_within = absl::Seconds(5)}; }
  HealthLook Bad() {
    return {.sign = Sign::kBad, .reason = "it is gone", .next_within = absl::Seconds(5)};
  }
  void MakeReady() {
    state_.ReportLook(Good());
    state_.ReportLook(Good());
  }
  HealthStateOptions Options() {
    HealthStateOptions options;
    options.progress_limit = absl::Seconds(10);
    options.clock = [this] { return now_; };
    return options;
  }

  absl::Duration now_ = absl::Hours(1);
  Log log_{LogLevel::kOff};
  HealthState state_{Options(), log_};
};

TEST_F(HealthStateTest, StartsAliveAndNotReady) {
  EXPECT_EQ(state_.StatusOf("liveness"), kServing);
  EXPECT_EQ(state_.StatusOf(kAdmin), kServing);
  EXPECT_EQ(state_.StatusOf("readiness"), kNotServing);
  EXPECT_EQ(state_.StatusOf(""), kNotServing);
  EXPECT_EQ(state_.StatusOf(kCollections), kNotServing);
  EXPECT_FALSE(state_.Snapshot().reason.empty());
}

TEST_F(HealthStateTest, DoesNotKnowOtherNames) {
  EXPECT_EQ(state_.StatusOf("aquifer.v1.Collections"), std::nullopt);
  EXPECT_EQ(state_.StatusOf("Readiness"), std::nullopt);
}

TEST_F(HealthStateTest, TwoGoodLooksMakeItReady) {
  state_.ReportLook(Good());
  EXPECT_EQ(state_.StatusOf(""), kNotServing);

  state_.ReportLook(Good());

  EXPECT_EQ(state_.StatusOf(""), kServing);
  EXPECT_EQ(state_.StatusOf("readiness"), kServing);
  EXPECT_EQ(state_.StatusOf(kCollections), kServing);
}

TEST_F(HealthStateTest, TwoBadLooksTurnReadinessAndLeaveLiveness) {
  MakeReady();

  state_.ReportLook(Bad());
  const std::optional<ServingStatus> after_one = state_.StatusOf("readiness");
  state_.ReportLook(Bad());

  EXPECT_EQ(after_one, kServing);
  EXPECT_EQ(state_.StatusOf("readiness"), kNotServing);
  EXPECT_EQ(state_.StatusOf(kCollections), kNotServing);
  EXPECT_EQ(state_.StatusOf("liveness"), kServing);
  EXPECT_EQ(state_.StatusOf(kAdmin), kServing);
  EXPECT_EQ(state_.Snapshot().reason, "it is gone");
}

TEST_F(HealthStateTest, OverdueLookCountsAsBad) {
  MakeReady();

  now_ += absl::Seconds(5);
  state_.Tick(Progress::kMade);
  state_.Tick(Progress::kMade);
  const std::optional<ServingStatus> in_time = state_.StatusOf("readiness");
  now_ += absl::Milliseconds(1);
  state_.Tick(Progress::kMade);
  const std::optional<ServingStatus> after_one = state_.StatusOf("readiness");
  state_.Tick(Progress::kMade);

  EXPECT_EQ(in_time, kServing);
  EXPECT_EQ(after_one, kServing);
  EXPECT_EQ(state_.StatusOf("readiness"), kNotServing);
  EXPECT_EQ(state_.StatusOf("liveness"), kServing);
}

TEST_F(HealthStateTest, IdleServerStaysAlive) {
  for (int i = 0; i < 100; ++i) {
    state_.Tick(Progress::kMade);
    now_ += absl::Seconds(9);
  }

  EXPECT_EQ(state_.StatusOf("liveness"), kServing);
}

TEST_F(HealthStateTest, LivenessFallsWhenTheExecutorStandsStillAndRisesAgain) {
  state_.Tick(Progress::kMade);
  now_ += absl::Seconds(10);
  state_.Tick(Progress::kNone);
  const std::optional<ServingStatus> at_limit = state_.StatusOf("liveness");
  now_ += absl::Seconds(1);
  state_.Tick(Progress::kNone);
  const std::optional<ServingStatus> past_limit = state_.StatusOf("liveness");
  const std::optional<ServingStatus> admin = state_.StatusOf(kAdmin);

  state_.Tick(Progress::kMade);

  EXPECT_EQ(at_limit, kServing);
  EXPECT_EQ(past_limit, kNotServing);
  EXPECT_EQ(admin, kNotServing);
  EXPECT_EQ(state_.StatusOf("liveness"), kServing);
}

TEST_F(HealthStateTest, LivenessFallsWithNobodyLeftToTick) {
  state_.Tick(Progress::kMade);

  now_ += absl::Seconds(11);

  EXPECT_EQ(state_.StatusOf("liveness"), kNotServing);
}

TEST_F(HealthStateTest, LongStartIsNotAStandstill) {
  now_ += absl::Hours(1);

  const std::optional<ServingStatus> before = state_.StatusOf("liveness");
  state_.Tick(Progress::kNone);

  EXPECT_EQ(before, kServing);
  EXPECT_EQ(state_.StatusOf("liveness"), kServing);
}

TEST_F(HealthStateTest, DrainingIsForGoodAndSparesLiveness) {
  MakeReady();

  state_.SetDraining();
  MakeReady();

  EXPECT_EQ(state_.StatusOf(""), kNotServing);
  EXPECT_EQ(state_.StatusOf("readiness"), kNotServing);
  EXPECT_EQ(state_.StatusOf(kCollections), kNotServing);
  EXPECT_EQ(state_.StatusOf(kAdmin), kNotServing);
  EXPECT_EQ(state_.StatusOf("liveness"), kServing);
}

TEST_F(HealthStateTest, WatcherIsToldOfChangesAndOfNothingElse) {
  auto recorder = std::make_shared<Recorder>(state_);
  state_.Subscribe(recorder);

  for (int i = 0; i < 5; ++i) state_.ReportLook(Good());
  for (int i = 0; i < 5; ++i) state_.ReportLook(Bad());
  for (int i = 0; i < 5; ++i) state_.Tick(Progress::kMade);
  MakeReady();

  EXPECT_EQ(recorder->seen, (std::vector{kServing, kNotServing, kServing}));
}

TEST_F(HealthStateTest, UnsubscribedWatcherIsToldNothingAndReleased) {
  auto recorder = std::make_shared<Recorder>(state_);
  state_.Subscribe(recorder);

  state_.Unsubscribe(recorder.get());
  MakeReady();

  EXPECT_TRUE(recorder->seen.empty());
  EXPECT_EQ(recorder.use_count(), 1);
}

// Leaves at its first call, which must neither deadlock nor free it under its caller's feet.
class Leaver : public HealthWatcher {
 public:
  explicit Leaver(HealthState& state) : state_(state) {}
  void OnHealthChanged() override {
    state_.Unsubscribe(this);
    ++calls;
  }

  int calls = 0;

 private:
  HealthState& state_;
};

TEST_F(HealthStateTest, WatcherMayLeaveWhileItIsTold) {
  auto leaver = std::make_shared<Leaver>(state_);
  state_.Subscribe(leaver);

  MakeReady();
  state_.SetDraining();

  EXPECT_EQ(leaver->calls, 1);
}

// Touches memory of its own, so that a sanitizer sees a call after its end.
class Toucher : public HealthWatcher {
 public:
  explicit Toucher(std::atomic<std::int64_t>& calls) : calls_(calls) {}
  void OnHealthChanged() override { calls_ += *one_; }

 private:
  std::atomic<std::int64_t>& calls_;
  std::unique_ptr<int> one_ = std::make_unique<int>(1);
};

TEST_F(HealthStateTest, WatchersComeAndGoWhileEverythingChanges) {
  std::atomic<std::int64_t> calls = 0;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  // Ends by its work or its deadline, whichever is first.
  const absl::Time deadline = absl::Now() + absl::Seconds(20);

  threads.emplace_back([&] {
    while (!done) {
      MakeReady();
      state_.ReportLook(Bad());
      state_.ReportLook(Bad());
    }
  });
  threads.emplace_back([&] {
    while (!done) {
      state_.Tick(Progress::kMade);
      EXPECT_TRUE(state_.StatusOf("readiness").has_value());
      state_.Snapshot();
    }
  });
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; (round < 2000 || calls == 0) && absl::Now() < deadline; ++round) {
        auto toucher = std::make_shared<Toucher>(calls);
        state_.Subscribe(toucher);
        const HealthWatcher* key = toucher.get();
        toucher.reset();
        state_.Unsubscribe(key);
      }
    });
  }
  threads[2].join();
  threads[3].join();
  done = true;
  threads[0].join();
  threads[1].join();

  EXPECT_GT(calls, 0);
}

}  // namespace
}  // namespace aquifer
