// Real databases for tests: one PostgreSQL a test program, one database a test.
#pragma once

#include <memory>
#include <pqxx/pqxx>
#include <string>

#include "server/database/local_postgres.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {

// This program's PostgreSQL, started at the first call in a temporary directory and stopped and
// removed when the program ends. Aborts the program if it cannot start: no test could run.
//
// The function-local static behind it is the one exception to "no globals" here: tests of many
// files share what takes a second to start, and gtest offers no other owner that is lazy.
LocalPostgres& TestPostgres();

enum class Schema {
  // Every migration applied.
  kMigrated,
  // Nothing in it.
  kEmpty,
};

// A database of its own, dropped on destruction with whoever is still connected. Made as a copy of
// a template, so a migrated one costs little more than an empty one.
class TestDatabase {
 public:
  explicit TestDatabase(Schema schema = Schema::kMigrated);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  // A libpq URL over the Unix socket whose sessions have the TimeZone Europe/Kyiv.
  const std::string& url() const { return url_; }
  const std::string& name() const { return name_; }

  // Runs SQL on a connection of its own, each statement in its own transaction: for arranging and
  // asserting. Lets pqxx exceptions fly, which fails the test.
  pqxx::result Execute(const std::string& sql);

 private:
  std::string name_;
  std::string url_;
  std::unique_ptr<pqxx::connection> connection_;
};

}  // namespace aquifer::testing
