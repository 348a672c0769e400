#include "server/database/database_hosts.h"

#include <gmock/gmock.h>

namespace aquifer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(DatabaseHostsTest, UrlOfOneHostStaysAsItIs) {
  EXPECT_THAT(UrlsByHost("postgresql://app@db:5433/aquifer"),
              ElementsAre("postgresql://app@db:5433/aquifer"));
  EXPECT_THAT(UrlsByHost("not a URL"), ElementsAre("not a URL"));
}

TEST(DatabaseHostsTest, EachOfSeveralHostsHasItsPortAndMustBeThePrimary) {
  EXPECT_THAT(UrlsByHost("postgresql://app:it's@one:1,two:2/aquifer"),
              ElementsAre(AllOf(HasSubstr("host='one'"), HasSubstr("port='1'"),
                                HasSubstr("password='it\\'s'"), HasSubstr("dbname='aquifer'"),
                                HasSubstr("target_session_attrs='read-write'")),
                          AllOf(HasSubstr("host='two'"), HasSubstr("port='2'"))));
}

TEST(DatabaseHostsTest, OnePortAndTheWishForAnyServerHoldForAll) {
  EXPECT_THAT(
      UrlsByHost("postgresql:///aquifer?host=/a,/b&port=7&target_session_attrs=any"),
      ElementsAre(AllOf(HasSubstr("host='/a'"), HasSubstr("port='7'"),
                        HasSubstr("target_session_attrs='any'"), Not(HasSubstr("read-write"))),
                  AllOf(HasSubstr("host='/b'"), HasSubstr("port='7'"))));
}

}  // namespace
}  // namespace aquifer
