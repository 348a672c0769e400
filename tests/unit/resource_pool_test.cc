#include "server/database/resource_pool.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/testing/resource_pool_fixture.h"

namespace aquifer {
namespace {

using testing::Eventually;
using testing::Fake;
using ::testing::HasSubstr;
using testing::Pool;

using ResourcePoolTest = testing::ResourcePoolFixture;

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
