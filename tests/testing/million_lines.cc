#include "tests/testing/million_lines.h"

#include <memory>
#include <string>
#include <vector>

#include "tests/testing/stored_lines.h"

namespace aquifer::testing {
namespace {

// The indexes are built when the rows are there, which takes a fraction of the time.
void InsertWithoutIndexes(TestDatabase& database) {
  std::vector<std::string> definitions;
  for (const auto& index : database.Execute(
           "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i "
           "WHERE i.indrelid = 'aquifer.collections'::regclass AND NOT i.indisunique")) {
    database.Execute(std::string("DROP INDEX ") + index[0].c_str());
    definitions.push_back(index[1].c_str());
  }
  InsertLines(database, {.lines = kMillion,
                         .devices = 10000,
                         .collectors = 40,
                         .start = "2025-06-01 00:00:00",
                         .step = "26 seconds"});
  for (const std::string& definition : definitions) database.Execute(definition);
}

std::unique_ptr<TestDatabase> Make() {
  auto database = std::make_unique<TestDatabase>();
  InsertWithoutIndexes(*database);
  database->Execute(
      "INSERT INTO aquifer.devices (device_id) "
      "SELECT 'device-' || n FROM generate_series(0, 9999) AS n");
  database->Execute(
      "INSERT INTO aquifer.fetch_outcomes (device_id, day, state, lines) "
      "SELECT 'device-' || n, date '2026-02-01' + d, "
      "(ARRAY['ok', 'ok', 'ok', 'empty', 'failed'])[(n + d) % 5 + 1], 1 "
      "FROM generate_series(0, 49) AS d CROSS JOIN generate_series(0, 9999) AS n "
      "WHERE (n + d) % 10 <> 0");
  database->Execute(
      "INSERT INTO aquifer.workers (name) SELECT 'worker ' || n FROM generate_series(1, 10) AS n");
  database->Execute(
      "INSERT INTO aquifer.collector_aliases (collector, worker_id) "
      "SELECT 'collector ' || n, n % 10 + 1 FROM generate_series(0, 29) AS n");
  database->Execute("VACUUM ANALYZE");
  return database;
}

}  // namespace

TestDatabase& MillionLines() {
  // Lazy like TestPostgres, and for the same reason; made after it, so dropped before it stops.
  static const std::unique_ptr<TestDatabase> database = Make();
  return *database;
}

}  // namespace aquifer::testing
