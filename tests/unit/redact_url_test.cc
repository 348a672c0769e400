#include "server/redact_url.h"

#include <gtest/gtest.h>

namespace aquifer {
namespace {

TEST(RedactUrlTest, HidesPasswordsAndNothingElse) {
  const struct {
    const char* url;
    const char* shown;
  } kCases[] = {
      {"", ""},
      {"postgresql://", "postgresql://"},
      {"postgresql://db:5432/fleet", "postgresql://db:5432/fleet"},
      {"postgresql://me@db/fleet", "postgresql://me@db/fleet"},
      {"postgresql://me:secret@db/fleet", "postgresql://me:***@db/fleet"},
      {"postgresql://me:secret@a:1,b:2/fleet?sslmode=require",
       "postgresql://me:***@a:1,b:2/fleet?sslmode=require"},
      {"postgresql:///fleet?host=/run&password=secret&user=me",
       "postgresql:///fleet?host=/run&password=***&user=me"},
  };

  for (const auto& expected : kCases) EXPECT_EQ(RedactUrl(expected.url), expected.shown);
}

TEST(RedactUrlTest, HidesTooMuchOfAMalformedUrl) {
  for (const char* url :
       {"postgresql://me:sec@ret@db/fleet", "postgresql://me:sec/ret@db/fleet",
        "postgresql://me:sec?ret@db/fleet", "postgresql://db/fleet?password=sec@ret",
        "postgresql://db/fleet?p%61ssword=secret", "postgresql://db/fleet?PASSWORD=secret",
        "host=db password=secret"}) {
    const std::string shown = RedactUrl(url);

    EXPECT_EQ(shown.find("sec"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("ret"), std::string::npos) << shown;
  }
}

}  // namespace
}  // namespace aquifer
