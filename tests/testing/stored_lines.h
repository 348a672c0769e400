// Collection lines put into a test's database by SQL, past the repository.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <pqxx/pqxx>
#include <string>

#include "repositories/collection_rollup.h"
#include "repositories/session.h"
#include "tests/testing/test_database.h"

namespace aquifer::testing {

// A line; a test sets what matters to it: InsertLine(database, {.device_id = "7"}).
struct TestLine {
  std::string device_id = "device-1";
  // Any text PostgreSQL takes for an instant; a wall time is one of Kyiv.
  std::string collected_at = "2026-03-10 12:00:00";
  std::int64_t banknotes_minor = 10000;
  std::int64_t coins_minor = 0;
  std::string collector = {};
  std::string card_id = {};
  std::string note = {};
  std::string machine = {};
};

// Stores the line and answers its id.
std::int64_t InsertLine(TestDatabase& database, const TestLine& line);

// Lines made by generate_series: line n of 1, 2, ... is at device "device-<n * 7919 % devices>",
// by "collector <n % collectors>", `step` after the line before it.
struct TestLines {
  std::int64_t lines = 1000;
  std::int64_t devices = 10;
  std::int64_t collectors = 5;
  std::string start = "2026-01-01 00:00:00";
  std::string step = "1 minute";
};

void InsertLines(TestDatabase& database, const TestLines& lines);

// Sums every day but today, as the server does at intervals, on a connection of its own.
class DaySummer {
 public:
  explicit DaySummer(const TestDatabase& database);
  void Run();

 private:
  void Step(absl::FunctionRef<void(CollectionRollup&)> step);

  pqxx::connection connection_;
  PreparedStatements prepared_{connection_};
};

// The same, once.
void SumDays(const TestDatabase& database);

// Stores a worker and answers its id.
std::int64_t InsertWorker(TestDatabase& database, const std::string& name);
// Maps a raw collector text to a worker.
void InsertAlias(TestDatabase& database, const std::string& collector, std::int64_t worker_id);

// `text` as an SQL literal.
std::string Quoted(const std::string& text);

}  // namespace aquifer::testing
