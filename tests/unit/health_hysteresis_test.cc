#include <gtest/gtest.h>

#include <string>

#include "server/health/hysteresis.h"

namespace aquifer {
namespace {

struct Case {
  const char* name;
  // What is observed, and the flag after each: g and b, H and l.
  std::string signs;
  std::string flag;
};

class HysteresisTest : public ::testing::TestWithParam<Case> {};

TEST_P(HysteresisTest, FollowsTheTable) {
  Hysteresis hysteresis(/*bad_to_fall=*/2, /*good_to_rise=*/2);
  std::string flag;

  for (char sign : GetParam().signs) {
    hysteresis.Observe(sign == 'g' ? Sign::kGood : Sign::kBad);
    flag += hysteresis.high() ? 'H' : 'l';
  }

  EXPECT_EQ(flag, GetParam().flag);
}

INSTANTIATE_TEST_SUITE_P(Signs, HysteresisTest,
                         ::testing::Values(Case{"StartsLow", "b", "l"},
                                           Case{"RisesAtTheSecondGood", "ggg", "lHH"},
                                           Case{"OneBadDoesNotTurnIt", "ggbgbgbg", "lHHHHHHH"},
                                           Case{"TwoBadInARowDo", "ggbb", "lHHl"},
                                           Case{"OneGoodDoesNotTurnItBack", "ggbbgbg", "lHHllll"},
                                           Case{"TwoGoodInARowDo", "ggbbbgg", "lHHlllH"}),
                         [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace aquifer
