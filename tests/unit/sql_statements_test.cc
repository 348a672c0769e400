#include "server/database/sql_statements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aquifer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SqlStatementsTest, SemicolonsEndStatements) {
  EXPECT_THAT(SplitStatements("SELECT 1;\n SELECT 2 ;;\n"), ElementsAre("SELECT 1", "SELECT 2"));
}

TEST(SqlStatementsTest, LastStatementNeedsNoSemicolon) {
  EXPECT_THAT(SplitStatements("SELECT 1"), ElementsAre("SELECT 1"));
}

TEST(SqlStatementsTest, CommentsAloneAreNoStatement) {
  EXPECT_THAT(SplitStatements("-- a; b\n/* c; /* d; */ e; */\n;"), IsEmpty());
}

TEST(SqlStatementsTest, SemicolonsInQuotesAndCommentsBelongToTheStatement) {
  for (const char* statement :
       {"SELECT ';'", "SELECT 'it''s;'", "SELECT \"a;b\"", "SELECT E'\\';'", "SELECT $$a;b$$",
        "SELECT $x$ $$ ; $x$", "SELECT 1 -- a;\n + 2", "SELECT 1 /* ; */ + 2"}) {
    EXPECT_THAT(SplitStatements(std::string(statement) + "; SELECT 2"),
                ElementsAre(statement, "SELECT 2"));
  }
}

TEST(SqlStatementsTest, BackslashEscapesOnlyInEscapeStrings) {
  EXPECT_THAT(SplitStatements("SELECT '\\'; SELECT 2"), ElementsAre("SELECT '\\'", "SELECT 2"));
}

TEST(SqlStatementsTest, DollarInsideANameIsNoQuote) {
  EXPECT_THAT(SplitStatements("SELECT a$b$ ; SELECT $1 ; SELECT b$b$"),
              ElementsAre("SELECT a$b$", "SELECT $1", "SELECT b$b$"));
}

TEST(SqlStatementsTest, UnfinishedQuoteReachesToTheEnd) {
  EXPECT_THAT(SplitStatements("SELECT 'a; b"), ElementsAre("SELECT 'a; b"));
}

TEST(SqlStatementsTest, ConcurrentIndexIsNamed) {
  EXPECT_EQ(ConcurrentIndexOf("CREATE INDEX CONCURRENTLY by_day ON t (day)"), "by_day");
  EXPECT_EQ(ConcurrentIndexOf("create unique index concurrently if not exists By_Day on t (d)"),
            "by_day");
  EXPECT_EQ(ConcurrentIndexOf("-- why\nCREATE INDEX /* x */ CONCURRENTLY \"By Day\" ON t (d)"),
            "By Day");
}

TEST(SqlStatementsTest, OtherStatementsMakeNoConcurrentIndex) {
  for (const char* statement :
       {"CREATE INDEX by_day ON t (day)", "SELECT 1", "", "CREATE INDEX CONCURRENTLY ON t (day)",
        "DROP INDEX CONCURRENTLY by_day"}) {
    EXPECT_EQ(ConcurrentIndexOf(statement), "") << statement;
  }
}

}  // namespace
}  // namespace aquifer
