// What the pool does while opening fails.
#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "tests/testing/resource_pool_fixture.h"

namespace aquifer {
namespace {

using testing::Eventually;
using testing::Pool;

using ResourcePoolBreakerTest = testing::ResourcePoolFixture;

TEST_F(ResourcePoolBreakerTest, FailsAtOnceWithTheLastCauseUntilTheNextAttempt) {
  source_.down = true;

  const absl::Status first = TryTake();
  const absl::Status second = TryTake();

  EXPECT_EQ(ReasonOf(first), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(second.message(), first.message());
  EXPECT_EQ(source_.attempts, 1);
  EXPECT_GT(RetryDelayOf(second), absl::ZeroDuration());
  EXPECT_LE(RetryDelayOf(second), options_.backoff.first_pause);
}

TEST_F(ResourcePoolBreakerTest, PausesBetweenAttemptsGrowToHalfAMinuteAndEndWithTheFailures) {
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

TEST_F(ResourcePoolBreakerTest, AnswerFromBehindEndsThePause) {
  source_.down = true;
  EXPECT_FALSE(TryTake().ok());
  source_.down = false;

  const absl::Status paused = TryTake();
  pool().TryAgain();
  const absl::Status tried = TryTake();

  EXPECT_EQ(ReasonOf(paused), "DATABASE_UNAVAILABLE");
  EXPECT_TRUE(tried.ok()) << tried;
}

TEST_F(ResourcePoolBreakerTest, RefusalIsTriedAgainAfterASecondWhateverAnswers) {
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

TEST_F(ResourcePoolBreakerTest, BreakerShowsItsState) {
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

TEST_F(ResourcePoolBreakerTest, BreakerTellsSinceWhenAndWhyAndWhenTheNextAttemptIs) {
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

TEST_F(ResourcePoolBreakerTest, OneAttemptAtATimeWhileOpeningFails) {
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

TEST_F(ResourcePoolBreakerTest, WaitsForWhatIsOpenWhenMoreCannotBeOpened) {
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

TEST_F(ResourcePoolBreakerTest, WaitersLearnWhenTheLastOpenOneBreaks) {
  Pool::Lease held = Take();
  source_.down = true;
  absl::Status status;
  std::thread waiter([&] { status = TryTake(); });
  ASSERT_TRUE(Waiting(1));

  held.Discard(CloseReason::kBroken);
  waiter.join();

  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE");
}

TEST_F(ResourcePoolBreakerTest, CallerInAHurrySlowsNobodyElse) {
  source_.hurried = true;
  EXPECT_EQ(ReasonOf(TryTake()), "DEADLINE_EXCEEDED");
  source_.hurried = false;

  EXPECT_TRUE(TryTake().ok());
}

}  // namespace
}  // namespace aquifer
