#include "tests/testing/million_lines.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/testing/eventually.h"
#include "tests/testing/stored_lines.h"

namespace aquifer::testing {
namespace {

// Fills a table while it has no index and no key, which is quicker, and gives them back.
template <typename Fill>
void FillWithoutIndexes(TestDatabase& database, const std::string& table, Fill fill) {
  const pqxx::result indexes = database.Execute(absl::StrCat(
      "SELECT 'ALTER TABLE ", table, " DROP CONSTRAINT ' || conname, 'ALTER TABLE ", table,
      " ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
      "WHERE conrelid = '",
      table,
      "'::regclass AND contype IN ('p', 'u') "
      "UNION ALL "
      "SELECT 'DROP INDEX ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid) "
      "FROM pg_index AS i WHERE i.indrelid = '",
      table,
      "'::regclass "
      "AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)"));
  for (const auto& index : indexes) database.Execute(index[0].c_str());
  fill();
  for (const auto& index : indexes) database.Execute(index[1].c_str());
}

std::unique_ptr<TestDatabase> Make() {
  auto database = std::make_unique<TestDatabase>();
  FillWithoutIndexes(*database, "aquifer.collections", [&] {
    InsertLines(*database, {.lines = kMillion,
                            .devices = 10000,
                            .collectors = 40,
                            .start = "2025-06-01 00:00:00",
                            .step = "26 seconds"});
  });
  database->Execute(
      "INSERT INTO aquifer.devices (device_id) "
      "SELECT 'device-' || n FROM generate_series(0, 9999) AS n");
  FillWithoutIndexes(*database, "aquifer.fetch_outcomes", [&] {
    database->Execute(
        "INSERT INTO aquifer.fetch_outcomes (device_id, day, state, lines) "
        "SELECT 'device-' || n, date '2026-02-01' + d, "
        "(ARRAY['ok', 'ok', 'ok', 'empty', 'failed'])[(n + d) % 5 + 1], 1 "
        "FROM generate_series(0, 49) AS d CROSS JOIN generate_series(0, 9999) AS n "
        "WHERE (n + d) % 10 <> 0");
  });
  database->Execute(
      "INSERT INTO aquifer.workers (name) SELECT 'worker ' || n FROM generate_series(1, 10) AS n");
  database->Execute(
      "INSERT INTO aquifer.collector_aliases (collector, worker_id) "
      "SELECT 'collector ' || n, n % 10 + 1 FROM generate_series(0, 29) AS n");
  database->Execute(
      "INSERT INTO aquifer.job_runs (job, key, state, holder, lease_token, lease_expires_at, "
      "  created_at, finished_at) "
      "SELECT (ARRAY['daily-fetch', 'daily-summary'])[n % 2 + 1], n, 'succeeded', 'h', 't', now(), "
      "  timestamptz '2010-01-01' + n * interval '12 hours', now() "
      "FROM generate_series(1, 10000) AS n");
  database->Execute(
      "INSERT INTO aquifer.deliveries (run_id, chat_id, state, attempt) "
      "SELECT run.id, chat, 'sent', 1 "
      "FROM aquifer.job_runs AS run CROSS JOIN generate_series(1, 10) AS chat");
  // 200,000 tasks of which one in a hundred is open, and as many tests.
  database->Execute(
      "INSERT INTO aquifer.machines (device_id) "
      "SELECT 'device-' || n FROM generate_series(0, 999) AS n");
  database->Execute(
      "INSERT INTO aquifer.technicians (name) "
      "SELECT 'technician ' || n FROM generate_series(1, 50) AS n");
  database->Execute(
      "INSERT INTO aquifer.maintenance_tasks (title, type, status, priority, scheduled_at, "
      "completed_at, device_id, technician_id) "
      "SELECT 'task ' || n, (ARRAY['filter_replacement', 'system_cleaning', 'water_quality_test', "
      "'equipment_repair', 'preventive_maintenance', 'emergency_repair'])[n % 6 + 1], s.status, "
      "(ARRAY['low', 'medium', 'high', 'critical'])[n % 4 + 1], "
      "timestamptz '2024-01-01' + n * interval '5 minutes', "
      "CASE WHEN s.status = 'completed' THEN timestamptz '2026-01-01' END, "
      "'device-' || n % 1000, n / 300 % 50 + 1 "
      "FROM generate_series(1, 200000) AS n CROSS JOIN LATERAL (SELECT CASE n % 300 "
      "WHEN 0 THEN 'pending' WHEN 1 THEN 'scheduled' WHEN 2 THEN 'in_progress' "
      "WHEN 3 THEN 'cancelled' ELSE 'completed' END AS status) AS s");
  database->Execute(
      "INSERT INTO aquifer.water_quality_tests (device_id, tested_at, ph, overall_rating) "
      "SELECT 'device-' || n % 1000, timestamptz '2024-01-01' + n * interval '5 minutes', 7, "
      "(ARRAY['excellent', 'good', 'fair', 'poor', 'critical'])[n % 5 + 1] "
      "FROM generate_series(1, 200000) AS n");
  database->Execute(
      "INSERT INTO aquifer.shifts (worker_id, started_at, ended_at) "
      "SELECT n % 10 + 1, t.at, t.at + interval '8 hours' FROM generate_series(0, 2999) AS n "
      "CROSS JOIN LATERAL (SELECT timestamptz '2025-06-01 08:00:00' + n / 10 * interval '1 day' "
      "AS at) AS t");
  database->Execute(
      "INSERT INTO aquifer.work_points "
      "(shift_id, worker_id, type, device_id, latitude, longitude, recorded_at) "
      "SELECT s.id, s.worker_id, 'device', 'device-' || n, 50, 30, "
      "s.started_at + n * interval '10 minutes' "
      "FROM aquifer.shifts AS s CROSS JOIN generate_series(1, 40) AS n");
  database->Execute(
      "INSERT INTO aquifer.assigned_devices (worker_id, device_id) "
      "SELECT n % 10 + 1, 'device-' || n FROM generate_series(0, 9999) AS n");
  SumDays(*database);
  database->Execute("VACUUM ANALYZE");
  // A snapshot that autovacuum holds at that moment keeps pages from counting as visible to all,
  // and then a scan of an index alone reads the table as well.
  EXPECT_TRUE(Eventually([&] {
    database->Execute("VACUUM aquifer.collections");
    return database
        ->Execute(
            "SELECT relallvisible = relpages FROM pg_class "
            "WHERE oid = 'aquifer.collections'::regclass")[0][0]
        .as<bool>();
  }));
  return database;
}

}  // namespace

TestDatabase& MillionLines() {
  // Lazy like TestPostgres, and for the same reason; made after it, so dropped before it stops.
  static const std::unique_ptr<TestDatabase> database = Make();
  return *database;
}

}  // namespace aquifer::testing
