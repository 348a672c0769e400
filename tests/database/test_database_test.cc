#include "tests/testing/test_database.h"

#include <gtest/gtest.h>

namespace aquifer::testing {
namespace {

TEST(TestDatabaseTest, IsMigratedAndSpeaksKyivTime) {
  TestDatabase database;

  EXPECT_EQ(database.Execute("SHOW TimeZone")[0][0].as<std::string>(), "Europe/Kyiv");
  EXPECT_TRUE(database.Execute("SELECT id FROM aquifer.collections").empty());
}

TEST(TestDatabaseTest, EachIsApartAndGoesWithItsObject) {
  std::string name;
  {
    TestDatabase one;
    TestDatabase other;
    one.Execute("CREATE TABLE aquifer.mine (id integer)");
    name = one.name();

    EXPECT_TRUE(other.Execute("SELECT to_regclass('aquifer.mine')")[0][0].is_null());
  }
  TestDatabase later;
  EXPECT_TRUE(
      later.Execute("SELECT datname FROM pg_database WHERE datname = '" + name + "'").empty());
}

}  // namespace
}  // namespace aquifer::testing
