#include "server/database/local_postgres.h"

#include <gtest/gtest.h>

#include "tests/testing/test_database.h"

namespace aquifer {
namespace {

TEST(TestDatabaseTest, IsMigratedAndSpeaksKyivTime) {
  testing::TestDatabase database;

  EXPECT_EQ(database.Execute("SHOW TimeZone")[0][0].as<std::string>(), "Europe/Kyiv");
  EXPECT_TRUE(database.Execute("SELECT id FROM aquifer.collections").empty());
}

}  // namespace
}  // namespace aquifer
