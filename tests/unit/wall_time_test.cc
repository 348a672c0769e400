#include "repositories/wall_time.h"

#include <gtest/gtest.h>

namespace aquifer {
namespace {

TEST(WallTimeTest, AcceptsASpaceOrAT) {
  EXPECT_EQ(ParseWallTime("2026-03-28 14:05:09"), "2026-03-28 14:05:09");
  EXPECT_EQ(ParseWallTime("2026-03-28T14:05:09"), "2026-03-28 14:05:09");
}

TEST(WallTimeTest, AcceptsTheEdges) {
  for (const char* text : {"2000-01-01 00:00:00", "2099-12-31 23:59:59", "2024-02-29 12:00:00"}) {
    EXPECT_EQ(ParseWallTime(text), text);
  }
}

TEST(WallTimeTest, RefusesOtherFormsAndWhatDoesNotExist) {
  const char* const kRefused[] = {
      "",
      "2026-03-28",
      "2026-03-28 14:05",
      "2026-03-28 14:05:09Z",
      "2026-03-28 14:05:09.5",
      "2026-03-28 14:05:09+02",
      "2026-03-28t14:05:09",
      "2026-03-28_14:05:09",
      " 2026-03-28 14:05:09",
      "2026-03-28 14:05:9 ",
      "28.03.2026 14:05:09",
      "2026/03/28 14:05:09",
      "2026-00-28 14:05:09",
      "2026-13-28 14:05:09",
      "2026-03-00 14:05:09",
      "2026-03-32 14:05:09",
      "2026-02-29 14:05:09",
      "2026-04-31 14:05:09",
      "2026-03-28 24:00:00",
      "2026-03-28 14:60:09",
      "2026-03-28 14:05:60",
      "1999-12-31 23:59:59",
      "2100-01-01 00:00:00",
      "infinity",
      "now",
  };

  for (const char* text : kRefused) {
    EXPECT_EQ(ParseWallTime(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace aquifer
