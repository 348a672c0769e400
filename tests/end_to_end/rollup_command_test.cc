// `aquifer-server rollup ...` as an operator runs it, on a database with lines.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/stored_lines.h"

namespace aquifer::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class RollupCommandTest : public ::testing::Test {
 protected:
  RollupCommandTest() {
    InsertLines(database_, {.lines = 48, .start = "2025-01-01 00:00:00", .step = "1 hour"});
  }

  ServerRun Rollup(const std::string& action) {
    return RunServer({{"rollup", action}, {absl::StrCat("DATABASE_URL=", database_.url())}});
  }

  TestDatabase database_;
};

TEST_F(RollupCommandTest, SumsAreMadeShownAndChecked) {
  EXPECT_EQ(Rollup("status").output, "0 days summed, 3 waiting to be.\n");
  EXPECT_EQ(Rollup("rebuild").output, "3 days summed, 0 waiting to be.\n");
  EXPECT_EQ(Rollup("status").output, "3 days summed, 0 waiting to be.\n");

  const ServerRun check = Rollup("check");
  EXPECT_EQ(check.exit_code, 0) << check.errors;
  EXPECT_THAT(check.output, StartsWith("Every sum is what its lines sum up to.\n"));
}

TEST_F(RollupCommandTest, WhatWasWrittenPastTheMarksIsFoundAndMended) {
  ASSERT_EQ(Rollup("rebuild").exit_code, 0);
  database_.Execute(
      "ALTER TABLE aquifer.collections DISABLE TRIGGER USER; "
      "UPDATE aquifer.collections SET coins = coins + 1 WHERE collected_at::date = '2025-01-02'; "
      "ALTER TABLE aquifer.collections ENABLE TRIGGER USER");

  const ServerRun wrong = Rollup("check");
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.errors,
              HasSubstr("not what their lines sum up to: 2025-01-02; aquifer-server rollup"));

  ASSERT_EQ(Rollup("rebuild").exit_code, 0);
  EXPECT_EQ(Rollup("check").exit_code, 0);
}

}  // namespace
}  // namespace aquifer::testing
