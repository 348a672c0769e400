#include "server/rpc/joiner.h"

#include <absl/synchronization/notification.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/testing/eventually.h"

namespace aquifer {
namespace {

using ::testing::ElementsAre;
using testing::Eventually;

constexpr absl::Duration kLongEnough = absl::Seconds(60);

struct TestCall final : Joiner::Waiting {
  TestCall(char of_name, Claim of_claim) : name(of_name), its_claim(of_claim) {}
  Lane lane() const override { return Lane::kInteractive; }
  const Claim& claim() const override { return its_claim; }

  const char name;
  const Claim its_claim;
  bool alone() const override { return again_alone; }

  // How often it has to fly before it lands, and whether by itself from the second time on.
  int flights_to_come = 1;
  bool again_alone = false;
};

// Notes who flew with whom. A flight with 'x' waits until it is let go, one with 's' is slow.
class TestFlyer final : public Joiner::Flyer {
 public:
  void Fly(absl::Span<Joiner::Waiting* const> set) override {
    std::string names;
    for (Joiner::Waiting* waiting : set) {
      auto& call = static_cast<TestCall&>(*waiting);
      --call.flights_to_come;
      names += call.name;
    }
    {
      absl::MutexLock lock(&mutex_);
      sets_.push_back(names);
    }
    if (names.find('s') != std::string::npos) absl::SleepFor(absl::Milliseconds(20));
    if (names.find('x') != std::string::npos) {
      hanging.Notify();
      let_go.WaitForNotificationWithTimeout(kLongEnough);
    }
  }

  bool Land(Joiner::Waiting& waiting) override {
    if (static_cast<TestCall&>(waiting).flights_to_come > 0) return false;
    absl::MutexLock lock(&mutex_);
    ++landed_;
    return true;
  }

  std::vector<std::string> Sets() {
    absl::MutexLock lock(&mutex_);
    return sets_;
  }
  bool AwaitLanded(int calls) {
    return Eventually([&] {
      absl::MutexLock lock(&mutex_);
      return landed_ == calls;
    });
  }

  absl::Notification hanging;
  absl::Notification let_go;

 private:
  absl::Mutex mutex_;
  std::vector<std::string> sets_;
  int landed_ = 0;
};

class JoinerTest : public ::testing::Test {
 protected:
  // One set at a time unless the test says otherwise.
  void Make(JoinerOptions options) { joiner_.emplace(executor_, flyer_, options); }

  bool Add(char name, Claim claim = {}) {
    calls_.emplace_back(name, claim);
    return joiner_->TryAdd(calls_.back());
  }

  // Adds one that stays in the air until `flyer_.let_go`.
  void AddHanging() {
    ASSERT_TRUE(Add('x'));
    ASSERT_TRUE(flyer_.hanging.WaitForNotificationWithTimeout(kLongEnough));
  }

  std::deque<TestCall> calls_;
  TestFlyer flyer_;
  std::optional<Joiner> joiner_;
  // Destroyed first, when all have landed.
  Executor executor_{{.threads = 2, .queue = {.capacity = 10}}};
};

TEST_F(JoinerTest, LoneCallFliesAtOnceAndAlone) {
  Make({});

  ASSERT_TRUE(Add('a'));
  ASSERT_TRUE(flyer_.AwaitLanded(1));
  ASSERT_TRUE(Add('b'));
  ASSERT_TRUE(flyer_.AwaitLanded(2));

  EXPECT_THAT(flyer_.Sets(), ElementsAre("a", "b"));
}

TEST_F(JoinerTest, WithdrawnCallGivesUpItsPlaceAndNeverFlies) {
  Make({.queue = {.capacity = 3}});
  AddHanging();
  for (const char name : {'a', 'b', 'c'}) ASSERT_TRUE(Add(name));
  ASSERT_FALSE(Add('d'));

  EXPECT_FALSE(joiner_->Withdraw(calls_[0])) << "it is in the air";
  EXPECT_TRUE(joiner_->Withdraw(calls_[2]));
  EXPECT_FALSE(joiner_->Withdraw(calls_[2]));
  EXPECT_EQ(joiner_->Figures().waiting, 2);
  EXPECT_EQ(joiner_->Figures().withdrawn, 1);
  EXPECT_TRUE(Add('e'));
  flyer_.let_go.Notify();

  ASSERT_TRUE(flyer_.AwaitLanded(4));
  EXPECT_THAT(flyer_.Sets(), ElementsAre("x", "ace"));
}

TEST_F(JoinerTest, WhatComesMeanwhileFliesTogether) {
  Make({});
  AddHanging();
  for (const char name : {'a', 'b', 'c'}) ASSERT_TRUE(Add(name));

  flyer_.let_go.Notify();

  ASSERT_TRUE(flyer_.AwaitLanded(4));
  EXPECT_THAT(flyer_.Sets(), ElementsAre("x", "abc"));
  EXPECT_EQ(joiner_->Figures().flights, 2);
  EXPECT_EQ(joiner_->Figures().calls, 4);
}

TEST_F(JoinerTest, SetIsBoundedByCalls) {
  Make({.max_calls = 2});
  AddHanging();
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) ASSERT_TRUE(Add(name));

  flyer_.let_go.Notify();

  ASSERT_TRUE(flyer_.AwaitLanded(6));
  EXPECT_THAT(flyer_.Sets(), ElementsAre("x", "ab", "cd", "e"));
}

TEST_F(JoinerTest, SetIsFullWithTheCallThatReachesTheBytes) {
  Make({.max_bytes = 100});
  AddHanging();
  for (const char name : {'a', 'b', 'c'}) ASSERT_TRUE(Add(name, {.bytes = 60}));

  flyer_.let_go.Notify();

  ASSERT_TRUE(flyer_.AwaitLanded(4));
  EXPECT_THAT(flyer_.Sets(), ElementsAre("x", "ab", "c"));
}

TEST_F(JoinerTest, CallThatHasToFlyAgainGoesBeforeThoseThatCameLater) {
  Make({.max_calls = 2});
  AddHanging();
  ASSERT_TRUE(Add('a'));
  calls_.back().flights_to_come = 2;
  for (const char name : {'b', 'c', 'd'}) ASSERT_TRUE(Add(name));

  flyer_.let_go.Notify();

  ASSERT_TRUE(flyer_.AwaitLanded(5));
  const std::vector<std::string> sets = flyer_.Sets();
  ASSERT_EQ(sets.size(), 4u);
  EXPECT_EQ(sets[1], "ab");
  // The next set may take off before "ab" has landed, then 'a' is in the one after.
  EXPECT_TRUE(sets[2] == "ac" || sets[3] == "a") << sets[2] << " " << sets[3];
}

TEST_F(JoinerTest, CallThatHoldsUpOthersFliesAgainByItself) {
  Make({});
  AddHanging();
  for (const char name : {'a', 'b', 'c'}) {
    ASSERT_TRUE(Add(name));
    calls_.back().flights_to_come = name == 'c' ? 1 : 2;
    calls_.back().again_alone = name == 'b';
  }

  flyer_.let_go.Notify();

  ASSERT_TRUE(flyer_.AwaitLanded(4));
  EXPECT_THAT(flyer_.Sets(), ElementsAre("x", "abc", "a", "b"));
}

TEST_F(JoinerTest, FullQueueRefuses) {
  Make({.queue = {.capacity = 1}});
  AddHanging();
  ASSERT_TRUE(Add('a'));

  EXPECT_FALSE(Add('b'));

  EXPECT_EQ(joiner_->Figures().refused, 1);
  EXPECT_EQ(joiner_->Figures().waiting, 1);
  flyer_.let_go.Notify();
  ASSERT_TRUE(flyer_.AwaitLanded(2));
}

TEST_F(JoinerTest, CallersTakeTurns) {
  Make({.max_calls = 2});
  AddHanging();
  for (const char name : {'a', 'b', 'c'}) ASSERT_TRUE(Add(name, {.caller = 1}));
  ASSERT_TRUE(Add('z', {.caller = 2}));

  flyer_.let_go.Notify();

  ASSERT_TRUE(flyer_.AwaitLanded(5));
  EXPECT_THAT(flyer_.Sets(), ElementsAre("x", "az", "bc"));
}

// Until it is known what a flight takes, as many may fly as there are workers.
TEST_F(JoinerTest, OtherSetsFlyBesideOneThatHangs) {
  Make({.max_flights = 2});
  AddHanging();

  ASSERT_TRUE(Add('a'));

  EXPECT_TRUE(flyer_.AwaitLanded(1));
  EXPECT_THAT(flyer_.Sets(), ElementsAre("x", "a"));
  flyer_.let_go.Notify();
  ASSERT_TRUE(flyer_.AwaitLanded(2));
}

// Flights that take longer than one alone get in each other's way, so sets gather behind the one
// under way; but not behind one that hangs.
TEST_F(JoinerTest, SetThatHangsHoldsUpNobodyForLong) {
  Make({.max_flights = 2});
  ASSERT_TRUE(Add('a'));
  ASSERT_TRUE(flyer_.AwaitLanded(1));
  ASSERT_TRUE(Add('s'));
  ASSERT_TRUE(flyer_.AwaitLanded(2));
  AddHanging();

  ASSERT_TRUE(Add('b'));

  EXPECT_TRUE(flyer_.AwaitLanded(3));
  flyer_.let_go.Notify();
  EXPECT_TRUE(flyer_.AwaitLanded(4));
}

TEST_F(JoinerTest, CallPastItsClaimIsAnsweredWhileEverySetHangs) {
  Make({});
  AddHanging();

  ASSERT_TRUE(Add('a', {.until = absl::Now() + absl::Milliseconds(20)}));

  EXPECT_TRUE(flyer_.AwaitLanded(1));
  flyer_.let_go.Notify();
  EXPECT_TRUE(flyer_.AwaitLanded(2));
}

}  // namespace
}  // namespace aquifer
