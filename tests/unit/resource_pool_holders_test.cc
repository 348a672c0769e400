// What the pool tells of those who hold its resources.
#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "tests/testing/resource_pool_fixture.h"

namespace aquifer {
namespace {

using ::testing::HasSubstr;
using testing::Pool;

using ResourcePoolHoldersTest = testing::ResourcePoolFixture;

TEST_F(ResourcePoolHoldersTest, WaiterGivesUpAtItsDeadlineAndNamesTheHolders) {
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

TEST_F(ResourcePoolHoldersTest, NamesTheThreeOldestHolders) {
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

TEST_F(ResourcePoolHoldersTest, PointsAtTheDatabaseWhenOpeningMoreFails) {
  Pool::Lease held = Take();
  source_.down = true;
  EXPECT_FALSE(pool().Acquire(clock_.Now(), "Test").ok());

  const absl::Status status = pool().Acquire(clock_.Now(), "Test").status();

  EXPECT_EQ(ReasonOf(status), "POOL_EXHAUSTED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("see database_url"));
}

TEST_F(ResourcePoolHoldersTest, LongHoldIsToldOnceAndOnceMoreWhenItEnds) {
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

TEST_F(ResourcePoolHoldersTest, ShortHoldIsNotToldWhenItEnds) {
  options_.holder_limit = absl::Seconds(10);
  Take();

  EXPECT_TRUE(pool().TakeLongHolds().empty());
  EXPECT_EQ(pool().Figures().long_holds, 0);
}

}  // namespace
}  // namespace aquifer
