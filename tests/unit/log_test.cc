#include "server/telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace aquifer {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

TEST(LogLineTest, IsOneJsonObject) {
  LogLine line(LogLevel::kInfo, "rpc");
  line.Add("method", "CollectionRepository.GetCollection")
      .Add("rows", 3)
      .Add("ok", true)
      .Add("share", 0.5);

  EXPECT_THAT(line.Text(), EndsWith(R"("level":"info","event":"rpc",)"
                                    R"("method":"CollectionRepository.GetCollection",)"
                                    R"("rows":3,"ok":true,"share":0.5})"));
}

TEST(LogLineTest, EscapesWhatWouldBreakTheLine) {
  LogLine line(LogLevel::kInfo, "x");
  line.Add("peer", "a\"b\\c\nd");

  EXPECT_THAT(line.Text(), HasSubstr(R"("peer":"a\"b\\c\u000ad")"));
}

}  // namespace
}  // namespace aquifer
