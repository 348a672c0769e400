#include "repositories/money.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace aquifer {
namespace {

TEST(MoneyTest, AcceptsTheVendorsForms) {
  const struct {
    const char* text;
    std::int64_t minor;
  } kAccepted[] = {
      {"0", 0},
      {"0.00", 0},
      {"1", 100},
      {"1520", 152000},
      {"1520.5", 152050},
      {"1520.50", 152050},
      {"1520.05", 152005},
      {"0.01", 1},
      {"0.1", 10},
      {"007", 700},
      {"9999999999", 999999999900},
      {"9999999999.99", kMaxMoneyMinor},
  };

  for (const auto& [text, minor] : kAccepted) {
    EXPECT_EQ(ParseMoney(text), minor) << text;
  }
}

TEST(MoneyTest, RefusesEverythingElse) {
  const char* const kRefused[] = {
      "",
      " ",
      ".",
      ".5",
      "5.",
      "1.234",
      "-1",
      "+1",
      "1e3",
      "1E3",
      "0x10",
      "1 520",
      " 1520",
      "1520 ",
      "1520\n",
      "1,520",
      "1520,50",
      "1.5.0",
      "1..5",
      "1.-5",
      "1.5 ",
      "NaN",
      "inf",
      "null",
      "1520грн",
      "１５２０",
      "1_000",
      "10000000000",
      "0000000000001",
      "99999999999999999999999999",
      "1520.50.",
      "1520.5a",
  };

  for (const char* text : kRefused) {
    EXPECT_EQ(ParseMoney(text), std::nullopt) << text;
  }
}

TEST(MoneyTest, RefusesANulByteAfterDigits) {
  EXPECT_EQ(ParseMoney(std::string("15\0", 3)), std::nullopt);
}

}  // namespace
}  // namespace aquifer
