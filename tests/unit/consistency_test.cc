#include "server/database/consistency.h"

#include <gtest/gtest.h>

namespace aquifer {
namespace {

using Kind = Consistency::Kind;

TEST(ConsistencyTest, PositionIsReadAndWrittenAsPostgresDoes) {
  EXPECT_EQ(ParseWalPosition("0/0"), 0u);
  EXPECT_EQ(ParseWalPosition("16/B374D848"), 0x16B374D848u);
  EXPECT_EQ(ParseWalPosition("FFFFFFFF/ffffffff"), 0xFFFFFFFFFFFFFFFFu);
  EXPECT_EQ(TextOf(0x16B374D848), "16/B374D848");
  EXPECT_EQ(TextOf(0x3000148), "0/3000148");
}

TEST(ConsistencyTest, WhatIsNoPositionIsRefused) {
  for (const char* text : {"", "/", "1/", "/1", "16B374D848", "1/2/3", "100000000/0", "0/123456789",
                           "0x1/2", "-1/2", "1/ 2", "g/0"}) {
    EXPECT_FALSE(ParseWalPosition(text)) << text;
  }
}

TEST(ConsistencyTest, EachKindIsRead) {
  EXPECT_EQ(ParseConsistency("strong")->kind, Kind::kStrong);
  EXPECT_EQ(ParseConsistency("any")->kind, Kind::kAny);
  const auto token = ParseConsistency("at-least=0/3000148");
  EXPECT_EQ(token->kind, Kind::kAtLeast);
  EXPECT_EQ(token->position, 0x3000148u);
  EXPECT_EQ(ParseConsistency("stale=2")->staleness, absl::Seconds(2));
  EXPECT_EQ(ParseConsistency("stale=0.25")->staleness, absl::Milliseconds(250));
  EXPECT_EQ(ParseConsistency("stale=86400")->kind, Kind::kStale);
}

TEST(ConsistencyTest, AnythingElseIsRefused) {
  for (const char* text :
       {"", "Strong", "weak", "at-least", "at-least=", "at-least=x", "stale", "stale=", "stale=0",
        "stale=-1", "stale=86401", "stale=nan", "stale=inf", "stale= 1", "any "}) {
    EXPECT_FALSE(ParseConsistency(text)) << text;
  }
}

}  // namespace
}  // namespace aquifer
