#include "server/database/sql_status.h"

#include <gtest/gtest.h>

#include <pqxx/pqxx>

#include "repositories/errors.h"

namespace aquifer {
namespace {

struct Case {
  const char* sqlstate;
  const char* reason;
};

constexpr Case kCases[] = {
    {"08000", "DATABASE_UNAVAILABLE"},
    {"08006", "DATABASE_UNAVAILABLE"},
    {"57P01", "DATABASE_UNAVAILABLE"},
    {"57P02", "DATABASE_UNAVAILABLE"},
    {"57P03", "DATABASE_UNAVAILABLE"},
    {"53300", "DATABASE_UNAVAILABLE"},
    {"25006", "DATABASE_UNAVAILABLE"},
    {"28000", "DATABASE_REFUSED"},
    {"28P01", "DATABASE_REFUSED"},
    {"3D000", "DATABASE_REFUSED"},
    {"42501", "DATABASE_REFUSED"},
    {"53000", "DATABASE_FULL"},
    {"53100", "DATABASE_FULL"},
    {"53200", "DATABASE_FULL"},
    {"53400", "DATABASE_FULL"},
    {"3F000", "SCHEMA_MISMATCH"},
    {"42P01", "SCHEMA_MISMATCH"},
    {"42703", "SCHEMA_MISMATCH"},
    {"42704", "SCHEMA_MISMATCH"},
    {"42883", "SCHEMA_MISMATCH"},
    {"40001", "TRANSACTION_CONFLICT"},
    {"40P01", "TRANSACTION_CONFLICT"},
    {"40003", "COMMIT_IN_DOUBT"},
    {"55P03", "TRANSACTION_CONFLICT"},
    {"23502", "CONSTRAINT_VIOLATED"},
    {"23503", "CONSTRAINT_VIOLATED"},
    {"23505", "CONSTRAINT_VIOLATED"},
    {"23514", "CONSTRAINT_VIOLATED"},
    {"22003", "INVALID_FIELDS"},
    {"22P02", "INVALID_FIELDS"},
    {"57014", "DEADLINE_EXCEEDED"},
    {"42601", "INTERNAL"},
    {"0A000", "INTERNAL"},
    {"26000", "INTERNAL"},
    {"25P02", "INTERNAL"},
    {"XX000", "INTERNAL"},
    {"54001", "INTERNAL"},
    {"P0001", "INTERNAL"},
    {"", "INTERNAL"},
};

TEST(SqlStatusTest, EverySqlStateHasItsReason) {
  for (const Case& c : kCases) {
    EXPECT_EQ(EntryOf(ReasonOfSqlState(c.sqlstate)).name, absl::string_view(c.reason))
        << c.sqlstate;
    EXPECT_EQ(ReasonOf(SqlStatus({c.sqlstate, ""}, "test.statement")), c.reason) << c.sqlstate;
  }
}

TEST(SqlStatusTest, TypesStandForTheCodesThatLibpqxxLeavesOut) {
  const auto state = [](const std::exception& exception) {
    return DescribeSqlError(exception).sqlstate;
  };

  EXPECT_EQ(state(pqxx::serialization_failure("")), "40001");
  EXPECT_EQ(state(pqxx::deadlock_detected("")), "40P01");
  EXPECT_EQ(state(pqxx::statement_completion_unknown("")), "40003");
  EXPECT_EQ(state(pqxx::in_doubt_error("")), "40003");
  EXPECT_EQ(state(pqxx::transaction_rollback("")), "40000");
  EXPECT_EQ(state(pqxx::broken_connection("")), "08006");
  EXPECT_EQ(state(pqxx::too_many_connections("")), "53300");
  EXPECT_EQ(state(pqxx::insufficient_privilege("", "")), "42501");
  EXPECT_EQ(state(pqxx::undefined_table("", "")), "42P01");
  EXPECT_EQ(state(pqxx::unique_violation("", "")), "23505");
  EXPECT_EQ(state(pqxx::feature_not_supported("", "")), "0A000");
  EXPECT_EQ(state(pqxx::invalid_sql_statement_name("", "")), "26000");
  EXPECT_EQ(state(pqxx::data_exception("", "")), "22000");
  EXPECT_EQ(state(pqxx::disk_full("", "")), "53100");
  EXPECT_EQ(state(std::runtime_error("")), "");
}

TEST(SqlStatusTest, CodeOfTheDatabaseIsFinerThanTheType) {
  EXPECT_EQ(DescribeSqlError(pqxx::data_exception("", "", "22003")).sqlstate, "22003");
  EXPECT_EQ(DescribeSqlError(pqxx::sql_error("", "", "57014")).sqlstate, "57014");
}

TEST(SqlStatusTest, ConstraintIsTheDatabasesOwnLineNotAValueThatImitatesIt) {
  const pqxx::unique_violation violation(
      "ERROR:  23505: duplicate key value violates unique constraint \"collections_key\"\n"
      "DETAIL:  Key (note)=(x\nCONSTRAINT NAME:  forged\n) already exists.\n"
      "SCHEMA NAME:  aquifer\nTABLE NAME:  collections\nCONSTRAINT NAME:  collections_key\n"
      "LOCATION:  _bt_check_unique, nbtinsert.c:664\n",
      "");

  const SqlError error = DescribeSqlError(violation);
  const absl::Status status = SqlStatus(error, "collections.record");

  EXPECT_EQ(error.constraint, "collections_key");
  EXPECT_EQ(status.message(), "the write breaks a rule of the database: collections_key");
}

TEST(SqlStatusTest, MessageNeverRepeatsTheDatabases) {
  const pqxx::data_exception exception("invalid input syntax for type integer: \"0501234567\"", "",
                                       "22P02");

  const absl::Status status = SqlStatus(DescribeSqlError(exception), "test.statement");

  EXPECT_EQ(status.ToString().find("0501234567"), std::string::npos);
}

// What may be repeated is decided by class; a text that speaks of a deadlock decides nothing.
TEST(DomainRule15Test, TextOfAnErrorNeverMakesItRepeatable) {
  const pqxx::sql_error liar("deadlock detected, could not serialize access", "", "XX000");
  const pqxx::deadlock_detected deadlock("something in another language");

  EXPECT_FALSE(IsCollision(DescribeSqlError(liar)));
  EXPECT_FALSE(IsStalePlan(DescribeSqlError(liar)));
  EXPECT_FALSE(IsBroken(DescribeSqlError(liar)));
  EXPECT_TRUE(IsCollision(DescribeSqlError(deadlock)));
}

}  // namespace
}  // namespace aquifer
