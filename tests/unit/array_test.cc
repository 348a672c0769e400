#include "repositories/array.h"

#include <gtest/gtest.h>

#include <vector>

namespace aquifer {
namespace {

TEST(ArrayParameterTest, QuotesWhatWouldEndAnElement) {
  ArrayParameter array;
  array.Add("plain");
  array.Add("quote \" backslash \\ comma , brace }");
  array.Add("");
  array.Add("NULL");
  array.AddNull();

  EXPECT_EQ(array.Text(), R"({"plain","quote \" backslash \\ comma , brace }","","NULL",NULL})");
}

TEST(ArrayParameterTest, NumbersStandBare) {
  EXPECT_EQ(ArrayOf(std::vector<std::int64_t>{1, -2, 9007199254740993}), "{1,-2,9007199254740993}");
}

TEST(ArrayParameterTest, EmptyListIsNullWhereItMeansAny) {
  EXPECT_EQ(ArrayOf(std::vector<std::int64_t>{}), "{}");
  EXPECT_EQ(ArrayOrNull(std::vector<std::int64_t>{}), std::nullopt);
}

}  // namespace
}  // namespace aquifer
