#include "server/database/resource_pool.h"

#include <absl/synchronization/notification.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/eventually.h"

namespace aquifer {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;

class FakeClock {
 public:
  absl::Time Now() const {
    absl::MutexLock lock(&mutex_);
    return now_;
  }
  void Advance(absl::Duration by) {
    absl::MutexLock lock(&mutex_);
    now_ += by;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1'700'000'000);
};

struct Fake {
  int id = 0;
  std::atomic<bool> reusable{true};
  std::atomic<bool> in_use{false};
  std::atomic<const char*> activity{""};
  bool Reusable() const { return reusable; }
  absl::string_view Activity() const { return activity.load(); }
};

// What stands behind the factory.
class Source {
 public:
  absl::StatusOr<std::unique_ptr<Fake>> Open() {
    ++attempts;
    if (absl::Notification* closed = gate) {
      closed->WaitForNotificationWithTimeout(absl::Seconds(60));
    }
    if (down) return MakeError(Reason::kDatabaseUnavailable, "the database cannot be reached");
    if (refusing) return MakeError(Reason::kDatabaseRefused, "wrong password");
    if (hurried) return MakeError(Reason::kDeadlineExceeded, "too short");
    auto fake = std::make_unique<Fake>();
    fake->id = ++opened;
    return fake;
  }

  std::atomic<bool> down{false};
  std::atomic<bool> refusing{false};
  std::atomic<bool> hurried{false};
  std::atomic<int> attempts{0};
  std::atomic<int> opened{0};
  // If set, Open waits for it.
  std::atomic<absl::Notification*> gate{nullptr};
};

using Pool = ResourcePool<Fake>;

class ResourcePoolTest : public ::testing::Test {
 protected:
  ResourcePoolTest() {
    options_.max = 2;
    options_.idle_timeout = absl::Seconds(30);
    options_.max_life = absl::Seconds(1000);
  }

  Pool& pool() {
    if (!pool_) {
      pool_ = std::make_unique<Pool>(
          options_, [this](absl::Time) { return source_.Open(); }, [this] { return clock_.Now(); });
    }
    return *pool_;
  }

  Pool::Lease Take(absl::string_view label = "Test") {
    absl::StatusOr<Pool::Lease> lease = pool().Acquire(Soon(), label);
    EXPECT_TRUE(lease.ok()) << lease.status();
    return lease.ok() ? *std::move(lease) : Pool::Lease();
  }
  absl::Status TryTake() { return pool().Acquire(Soon(), "Test").status(); }

  // Beyond the test by the clock that stands still.
  absl::Time Soon() const { return clock_.Now() + absl::Seconds(10); }
  bool Waiting(int count) {
    return Eventually([&] { return pool().Figures().waiting == count; });
  }

  ResourcePoolOptions options_;
  FakeClock clock_;
  Source source_;
  std::unique_ptr<Pool> pool_;
};

TEST_F(ResourcePoolTest, LendsTheResourceReturnedLast) {
  Pool::Lease first = Take();
  Pool::Lease second = Take();
  first.Return();
  const int last = second->id;
  second.Return();

  EXPECT_EQ(Take()->id, last);
}

TEST_F(ResourcePoolTest, MovedLeaseReturnsOnce) {
  Pool::Lease first = Take();
  Pool::Lease second = std::move(first);
  first.Return();

  EXPECT_FALSE(first);
  EXPECT_EQ(pool().Figures().active, 1);
  second.Return();
  EXPECT_EQ(pool().Figures().idle, 1);
}

TEST_F(ResourcePoolTest, WaiterGetsReturnedResource) {
  options_.max = 1;
  Pool::Lease held = Take();
  const int id = held->id;
  int got = 0;
  std::thread waiter([&] { got = Take()->id; });
  ASSERT_TRUE(Waiting(1));

  held.Return();
  waiter.join();

  EXPECT_EQ(got, id);
  EXPECT_EQ(source_.opened, 1);
}

TEST_F(ResourcePoolTest, WaitersAreServedInTheOrderTheyCame) {
  options_.max = 1;
  Pool::Lease held = Take();
  std::vector<int> served;  // Guarded by the one resource.
  std::vector<std::thread> waiters;
  for (int number = 0; number < 5; ++number) {
    waiters.emplace_back([&, number] {
      Pool::Lease lease = Take();
      served.push_back(number);
    });
    ASSERT_TRUE(Waiting(number + 1));
  }

  held.Return();
  for (std::thread& waiter : waiters) waiter.join();

  EXPECT_EQ(served, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(ResourcePoolTest, WaiterGivesUpAtItsDeadlineAndNamesTheHolders) {
  options_.max = 1;
  Pool::Lease held = Take("GetCollection");
  held->activity = "collections.get";
  absl::Status status;
  std::thread waiter(
      [&] { status = pool().Acquire(clock_.Now() + absl::Milliseconds(20), "Test").status(); });
  ASSERT_TRUE(Waiting(1));

  clock_.Advance(absl::Milliseconds(4100));
  waiter.join();

  EXPECT_EQ(ReasonOf(status), "POOL_EXHAUSTED");
  EXPECT_EQ(status.message(),
            "no connection within 4.1s: 1 of 1 in use (oldest GetCollection 4.1s in "
            "collections.get), 0 idle, 0 opening, 1 waiting; see pool_max, or what the oldest "
            "holders run");
  EXPECT_EQ(pool().Figures().acquire_timeouts, 1);
  EXPECT_EQ(pool().Figures().waiting, 0);
}

TEST_F(ResourcePoolTest, NamesTheThreeOldestHolders) {
  options_.max = 4;
  std::vector<Pool::Lease> held;
  for (const char* label : {"First", "Second", "Third", "Fourth"}) {
    held.push_back(Take(label));
    clock_.Advance(absl::Seconds(1));
  }

  const absl::Status status = pool().Acquire(clock_.Now(), "Test").status();

  EXPECT_THAT(std::string(status.message()),
              HasSubstr("4 of 4 in use (oldest First 4.0s, Second 3.0s, Third 2.0s), "));
}

TEST_F(ResourcePoolTest, PointsAtTheDatabaseWhenOpeningMoreFails) {
  Pool::Lease held = Take();
  source_.down = true;
  EXPECT_FALSE(pool().Acquire(clock_.Now(), "Test").ok());

  const absl::Status status = pool().Acquire(clock_.Now(), "Test").status();

  EXPECT_EQ(ReasonOf(status), "POOL_EXHAUSTED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("see database_url"));
}

TEST_F(ResourcePoolTest, LongHoldIsToldOnceAndOnceMoreWhenItEnds) {
  options_.holder_limit = absl::Seconds(10);
  Pool::Lease held = Take("ListTasks");
  held->activity = "tasks.list";
  clock_.Advance(absl::Seconds(9));
  EXPECT_TRUE(pool().TakeLongHolds().empty());
  clock_.Advance(absl::Seconds(2));

  const std::vector<LongHold> told = pool().TakeLongHolds();
  EXPECT_TRUE(pool().TakeLongHolds().empty());
  held.Return();
  const std::vector<LongHold> ended = pool().TakeLongHolds();

  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].label, "ListTasks");
  EXPECT_EQ(told[0].activity, "tasks.list");
  EXPECT_EQ(told[0].age, absl::Seconds(11));
  EXPECT_FALSE(told[0].over);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0].over);
  EXPECT_EQ(pool().Figures().long_holds, 1);
  // The next holder of the same resource starts anew.
  held = Take();
  EXPECT_TRUE(pool().TakeLongHolds().empty());
}

TEST_F(ResourcePoolTest, ShortHoldIsNotToldWhenItEnds) {
  options_.holder_limit = absl::Seconds(10);
  Take();

  EXPECT_TRUE(pool().TakeLongHolds().empty());
  EXPECT_EQ(pool().Figures().long_holds, 0);
}

TEST_F(ResourcePoolTest, RefusesMoreWaitersThanAreAllowed) {
  options_.max = 1;
  options_.max_waiters = 1;
  Pool::Lease held = Take();
  std::thread waiter([&] { Take(); });
  ASSERT_TRUE(Waiting(1));

  const absl::Status status = TryTake();

  EXPECT_EQ(ReasonOf(status), "POOL_EXHAUSTED");
  held.Return();
  waiter.join();
}

TEST_F(ResourcePoolTest, DiscardMakesRoomForAWaiterToOpenItsOwn) {
  options_.max = 1;
  Pool::Lease held = Take();
  int got = 0;
  std::thread waiter([&] { got = Take()->id; });
  ASSERT_TRUE(Waiting(1));

  held.Discard(CloseReason::kBroken);
  waiter.join();

  EXPECT_EQ(got, 2);
  EXPECT_EQ(pool().Figures().Closed(CloseReason::kBroken), 1);
}

TEST_F(ResourcePoolTest, ResourceThatCannotServeAgainIsNotKept) {
  Take()->reusable = false;

  EXPECT_EQ(pool().Figures().idle, 0);
  EXPECT_EQ(pool().Figures().Closed(CloseReason::kBroken), 1);
}

TEST_F(ResourcePoolTest, ResourceThatDiedWhileIdleIsReplaced) {
  Fake* fake = nullptr;
  {
    Pool::Lease lease = Take();
    fake = &*lease;
  }
  fake->reusable = false;

  EXPECT_EQ(Take()->id, 2);
}

TEST_F(ResourcePoolTest, FailsAtOnceWithTheLastCauseUntilTheNextAttempt) {
  source_.down = true;

  const absl::Status first = TryTake();
  const absl::Status second = TryTake();

  EXPECT_EQ(ReasonOf(first), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(second.message(), first.message());
  EXPECT_EQ(source_.attempts, 1);
  EXPECT_GT(RetryDelayOf(second), absl::ZeroDuration());
  EXPECT_LE(RetryDelayOf(second), options_.backoff.first_pause);
}

TEST_F(ResourcePoolTest, PausesBetweenAttemptsGrowToHalfAMinuteAndEndWithTheFailures) {
  source_.down = true;
  for (int attempt = 0; attempt < 10; ++attempt) {
    EXPECT_FALSE(TryTake().ok());
    clock_.Advance(absl::Seconds(30));
  }
  EXPECT_EQ(source_.attempts, 10);
  const absl::Status status = TryTake();
  const absl::Duration pause = pool_->Figures().breaker.next_attempt_in;
  EXPECT_GE(pause, absl::Seconds(15));
  EXPECT_LE(pause, absl::Seconds(30));
  // It may end before, and nobody is to miss that.
  EXPECT_EQ(RetryDelayOf(status), options_.backoff.longest_advice);

  source_.down = false;
  clock_.Advance(absl::Seconds(30));
  Pool::Lease one = Take();
  Pool::Lease other = Take();

  EXPECT_EQ(pool().Figures().connect_failures, 11);
  EXPECT_EQ(pool().Figures().active, 2);
}

TEST_F(ResourcePoolTest, AnswerFromBehindEndsThePause) {
  source_.down = true;
  EXPECT_FALSE(TryTake().ok());
  source_.down = false;

  const absl::Status paused = TryTake();
  pool().TryAgain();
  const absl::Status tried = TryTake();

  EXPECT_EQ(ReasonOf(paused), "DATABASE_UNAVAILABLE");
  EXPECT_TRUE(tried.ok()) << tried;
}

TEST_F(ResourcePoolTest, RefusalIsTriedAgainAfterASecondWhateverAnswers) {
  source_.refusing = true;
  EXPECT_EQ(ReasonOf(TryTake()), "DATABASE_REFUSED");

  pool().TryAgain();
  clock_.Advance(absl::Milliseconds(499));
  EXPECT_EQ(ReasonOf(TryTake()), "DATABASE_REFUSED");

  EXPECT_EQ(source_.attempts, 1);
  source_.refusing = false;
  clock_.Advance(absl::Milliseconds(501));
  EXPECT_TRUE(TryTake().ok());
}

TEST_F(ResourcePoolTest, BreakerShowsItsState) {
  EXPECT_EQ(pool().Figures().breaker.state, BreakerState::kClosed);
  source_.down = true;
  EXPECT_FALSE(TryTake().ok());
  EXPECT_EQ(pool().Figures().breaker.state, BreakerState::kOpen);

  absl::Notification gate;
  source_.gate = &gate;
  source_.down = false;
  clock_.Advance(absl::Seconds(1));
  std::thread probe([&] { EXPECT_TRUE(TryTake().ok()); });
  EXPECT_TRUE(Eventually([&] { return source_.attempts == 2; }));

  EXPECT_EQ(pool().Figures().breaker.state, BreakerState::kHalfOpen);
  gate.Notify();
  probe.join();
  EXPECT_EQ(pool().Figures().breaker.state, BreakerState::kClosed);
}

TEST_F(ResourcePoolTest, BreakerTellsSinceWhenAndWhyAndWhenTheNextAttemptIs) {
  EXPECT_EQ(pool().Figures().breaker.since, absl::InfinitePast());
  const absl::Time began = clock_.Now();
  source_.down = true;
  EXPECT_FALSE(TryTake().ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(TryTake().ok());

  const BreakerFigures open = pool().Figures().breaker;
  clock_.Advance(open.next_attempt_in);
  source_.down = false;
  EXPECT_TRUE(TryTake().ok());
  const BreakerFigures closed = pool().Figures().breaker;

  EXPECT_EQ(open.since, began) << "a further failure changes nothing";
  EXPECT_EQ(open.reason, "DATABASE_UNAVAILABLE");
  EXPECT_GT(open.next_attempt_in, absl::ZeroDuration());
  EXPECT_EQ(closed.reason, "");
  EXPECT_EQ(closed.since, clock_.Now());
  EXPECT_EQ(closed.next_attempt_in, absl::ZeroDuration());
}

TEST_F(ResourcePoolTest, OneAttemptAtATimeWhileOpeningFails) {
  source_.down = true;
  EXPECT_FALSE(TryTake().ok());
  clock_.Advance(absl::Seconds(1));
  absl::Notification gate;
  source_.gate = &gate;
  std::thread probe([&] { EXPECT_FALSE(TryTake().ok()); });
  ASSERT_TRUE(Eventually([&] { return source_.attempts == 2; }));

  const absl::Status status = TryTake();

  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(source_.attempts, 2);
  gate.Notify();
  probe.join();
}

TEST_F(ResourcePoolTest, WaitsForWhatIsOpenWhenMoreCannotBeOpened) {
  Pool::Lease held = Take();
  source_.down = true;
  int got = 0;
  std::thread waiter([&] { got = Take()->id; });
  ASSERT_TRUE(Waiting(1));

  held.Return();
  waiter.join();

  EXPECT_EQ(got, 1);
  EXPECT_EQ(pool().Figures().connect_failures, 1);
}

TEST_F(ResourcePoolTest, WaitersLearnWhenTheLastOpenOneBreaks) {
  Pool::Lease held = Take();
  source_.down = true;
  absl::Status status;
  std::thread waiter([&] { status = TryTake(); });
  ASSERT_TRUE(Waiting(1));

  held.Discard(CloseReason::kBroken);
  waiter.join();

  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE");
}

TEST_F(ResourcePoolTest, CallerInAHurrySlowsNobodyElse) {
  source_.hurried = true;
  EXPECT_EQ(ReasonOf(TryTake()), "DEADLINE_EXCEEDED");
  source_.hurried = false;

  EXPECT_TRUE(TryTake().ok());
}

TEST_F(ResourcePoolTest, MaintainOpensUpToMin) {
  options_.min = 2;

  EXPECT_TRUE(pool().Maintain(Soon()).ok());

  EXPECT_EQ(pool().Figures().idle, 2);
}

TEST_F(ResourcePoolTest, MaintainTellsWhyItCouldNotOpen) {
  options_.min = 2;
  source_.down = true;

  EXPECT_EQ(ReasonOf(pool().Maintain(Soon())), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(source_.attempts, 1);
}

TEST_F(ResourcePoolTest, MaintainClosesWhatIsIdleBeyondMin) {
  options_.min = 1;
  {
    Pool::Lease first = Take();
    Pool::Lease second = Take();
  }
  clock_.Advance(absl::Seconds(29));
  EXPECT_TRUE(pool().Maintain(Soon()).ok());
  EXPECT_EQ(pool().Figures().idle, 2);

  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(pool().Maintain(Soon()).ok());

  EXPECT_EQ(pool().Figures().idle, 1);
  EXPECT_EQ(pool().Figures().Closed(CloseReason::kIdle), 1);
}

TEST_F(ResourcePoolTest, MaintainReplacesWhatIsExpired) {
  options_.min = 2;
  ASSERT_TRUE(pool().Maintain(Soon()).ok());
  clock_.Advance(absl::Seconds(899));
  ASSERT_TRUE(pool().Maintain(Soon()).ok());
  EXPECT_EQ(pool().Figures().Closed(CloseReason::kExpired), 0);

  clock_.Advance(absl::Seconds(101));
  ASSERT_TRUE(pool().Maintain(Soon()).ok());

  EXPECT_EQ(pool().Figures().Closed(CloseReason::kExpired), 2);
  EXPECT_EQ(pool().Figures().idle, 2);
}

TEST_F(ResourcePoolTest, OutdatedResourcesServeOnlyTheirPresentLease) {
  Pool::Lease held = Take();
  Take();

  pool().Outdate();

  EXPECT_EQ(pool().Figures().idle, 0);
  held.Return();
  EXPECT_EQ(pool().Figures().idle, 0);
  EXPECT_EQ(pool().Figures().Closed(CloseReason::kOutdated), 2);
  EXPECT_EQ(Take()->id, 3);
}

TEST_F(ResourcePoolTest, ResizeClosesTheSurplusWhenItComesBack) {
  Pool::Lease first = Take();
  Pool::Lease second = Take();

  pool().Resize(0, 1);
  first.Return();
  second.Return();

  EXPECT_EQ(pool().Figures().idle, 1);
  EXPECT_EQ(pool().Figures().Closed(CloseReason::kSurplus), 1);
}

TEST_F(ResourcePoolTest, ResizeLetsWaitersIn) {
  options_.max = 1;
  Pool::Lease held = Take();
  std::thread waiter([&] { Take(); });
  ASSERT_TRUE(Waiting(1));

  pool().Resize(0, 2);
  waiter.join();

  EXPECT_EQ(source_.opened, 2);
}

TEST_F(ResourcePoolTest, CloseRefusesNewcomersAndWaiters) {
  options_.max = 1;
  Pool::Lease held = Take("StreamCollections");
  absl::Status waited;
  std::thread waiter([&] { waited = TryTake(); });
  ASSERT_TRUE(Waiting(1));

  const absl::Status closed = pool().Close(clock_.Now());
  waiter.join();

  EXPECT_THAT(std::string(closed.message()), HasSubstr("StreamCollections"));
  EXPECT_EQ(ReasonOf(waited), "SHUTTING_DOWN");
  EXPECT_EQ(ReasonOf(TryTake()), "SHUTTING_DOWN");
}

TEST_F(ResourcePoolTest, CloseWaitsForLeases) {
  Pool::Lease held = Take();
  absl::Status closed = absl::UnknownError("not yet");
  std::thread closer([&] { closed = pool().Close(Soon()); });
  ASSERT_TRUE(Eventually([&] { return ReasonOf(TryTake()) == "SHUTTING_DOWN"; }));

  held.Return();
  closer.join();

  EXPECT_TRUE(closed.ok());
  EXPECT_EQ(pool().Figures().Closed(CloseReason::kShutdown), pool().Figures().opened);
}

TEST(ResourcePoolConcurrencyTest, ManyThreadsShareFewResources) {
  constexpr int kThreads = 16;
  constexpr int kRounds = 500;
  ResourcePoolOptions options;
  options.min = 1;
  options.max = 4;
  options.max_life = absl::Milliseconds(2);
  options.backoff.first_pause = absl::Microseconds(10);
  options.backoff.longest_pause = absl::Microseconds(100);
  std::atomic<int> opens{0};
  std::atomic<bool> shared{false};
  std::atomic<int> served{0};
  Pool pool(options, [&](absl::Time) -> absl::StatusOr<std::unique_ptr<Fake>> {
    if (++opens % 17 == 0) return MakeError(Reason::kDatabaseUnavailable, "now and then");
    return std::make_unique<Fake>();
  });
  std::vector<std::thread> threads;

  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        auto lease = pool.Acquire(absl::Now() + absl::Seconds(30), "hammer");
        if (!lease.ok()) continue;
        if ((*lease)->in_use.exchange(true)) shared = true;
        if (pool.Figures().active > options.max) shared = true;
        (*lease)->in_use = false;
        ++served;
        if ((round + thread) % 31 == 0) lease->Discard(CloseReason::kBroken);
        if ((round + thread) % 97 == 0) pool.Outdate();
        if ((round + thread) % 53 == 0) (void)pool.Maintain(absl::Now() + absl::Seconds(1));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  const PoolFigures figures = pool.Figures();
  std::int64_t closed = 0;
  for (CloseReason reason : kCloseReasons) closed += figures.Closed(reason);
  EXPECT_FALSE(shared);
  EXPECT_GT(served, 0);
  EXPECT_EQ(figures.active, 0);
  EXPECT_EQ(figures.waiting, 0);
  EXPECT_EQ(figures.opened, closed + figures.idle);
  EXPECT_EQ(figures.opened + figures.connect_failures, opens);
}

}  // namespace
}  // namespace aquifer
