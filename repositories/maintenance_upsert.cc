// Registering many machines, set by set, with an outcome each.
#include <absl/strings/str_cat.h>

#include <map>
#include <string>
#include <vector>

#include "repositories/array.h"
#include "repositories/enum_text.h"
#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "repositories/maintenance_repository.h"
#include "repositories/record_counts.h"
#include "repositories/rejection.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

using Entries = google::protobuf::RepeatedPtrField<v1::MachineEntry>;
using Results = google::protobuf::RepeatedPtrField<v1::MachineResult>;

// Before anything is written and in the order of the keys, so that batches cannot deadlock.
constexpr Statement kLock = {"maintenance.lock_machines", R"sql(
SELECT m.device_id
FROM aquifer.machines AS m
WHERE m.device_id = ANY($1::text[])
ORDER BY m.device_id
FOR UPDATE
)sql"};

// What a machine becomes by the row `given`, where NULL leaves what is stored. The last maintenance
// only moves forward.
#define AQUIFER_MACHINE_GIVEN                                      \
  "COALESCE(given.name, m.name), "                                 \
  "COALESCE(given.location, m.location), "                         \
  "COALESCE(given.status, m.status), "                             \
  "COALESCE(given.water_level_percent, m.water_level_percent), "   \
  "COALESCE(given.daily_sales_litres, m.daily_sales_litres), "     \
  "COALESCE(given.monthly_sales_litres, m.monthly_sales_litres), " \
  "GREATEST(given.last_maintenance_at, m.last_maintenance_at), "   \
  "COALESCE(given.next_maintenance_at, m.next_maintenance_at), "   \
  "COALESCE(given.filter_life_days, m.filter_life_days), "         \
  "COALESCE(given.alerts, m.alerts)"

// Different machines, those that are there already locked. A row for each with its outcome; no row
// for one that a concurrent transaction registered since this statement began, whose turn comes
// again.
constexpr Statement kUpsert = {"maintenance.upsert_machines", R"sql(
WITH given AS MATERIALIZED (
  SELECT
    device_id COLLATE "C" AS device_id, name, location, status, water_level_percent,
    daily_millilitres / 1000.0 AS daily_sales_litres,
    monthly_millilitres / 1000.0 AS monthly_sales_litres,
    last_maintenance_at, next_maintenance_at, filter_life_days, alerts::text[] AS alerts
  FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[],
    $8::timestamptz[], $9::timestamptz[], $10::integer[], $11::text[]
  ) AS argument (
    device_id, name, location, status, water_level_percent, daily_millilitres,
    monthly_millilitres, last_maintenance_at, next_maintenance_at, filter_life_days, alerts)
), updated AS (
  UPDATE aquifer.machines AS m
  SET (name, location, status, water_level_percent, daily_sales_litres, monthly_sales_litres,
       last_maintenance_at, next_maintenance_at, filter_life_days, alerts, version, updated_at)
    = ROW()sql" AQUIFER_MACHINE_GIVEN R"sql(, m.version + 1, now())
  FROM given
  WHERE m.device_id = given.device_id
    AND (m.name, m.location, m.status, m.water_level_percent, m.daily_sales_litres,
         m.monthly_sales_litres, m.last_maintenance_at, m.next_maintenance_at,
         m.filter_life_days, m.alerts)
      IS DISTINCT FROM ROW()sql" AQUIFER_MACHINE_GIVEN R"sql()
  RETURNING m.device_id, m.version
), inserted AS (
  INSERT INTO aquifer.machines AS m (
    device_id, name, location, status, water_level_percent, daily_sales_litres,
    monthly_sales_litres, last_maintenance_at, next_maintenance_at, filter_life_days, alerts)
  SELECT
    given.device_id, COALESCE(given.name, ''), COALESCE(given.location, ''),
    COALESCE(given.status, 'operational'), given.water_level_percent, given.daily_sales_litres,
    given.monthly_sales_litres, given.last_maintenance_at, given.next_maintenance_at,
    given.filter_life_days, COALESCE(given.alerts, '{}')
  FROM given
  WHERE NOT EXISTS (SELECT FROM aquifer.machines AS m WHERE m.device_id = given.device_id)
  ORDER BY given.device_id
  ON CONFLICT DO NOTHING
  RETURNING device_id, version
)
SELECT inserted.device_id, 1, inserted.version
FROM inserted
UNION ALL
SELECT updated.device_id, 2, updated.version
FROM updated
UNION ALL
SELECT m.device_id, 3, m.version
FROM given
JOIN aquifer.machines AS m ON m.device_id = given.device_id
WHERE NOT EXISTS (SELECT FROM updated WHERE updated.device_id = given.device_id)
)sql"};

// One column an array, in the order of the statement's parameters.
struct UpsertParameters {
  ArrayParameter device_ids, names, locations, statuses, water_levels, daily, monthly, last_at,
      next_at, filter_lives, alerts;
};

template <typename Value>
void AddOrNull(bool has, const Value& value, ArrayParameter& array) {
  if (has) {
    array.Add(value);
  } else {
    array.AddNull();
  }
}

void AddInstant(bool has, const google::protobuf::Timestamp& instant, ArrayParameter& array) {
  AddOrNull(has, has ? InstantText(instant) : "", array);
}

void AddEntry(const v1::MachineEntry& entry, UpsertParameters& to) {
  const v1::MachineDetails& details = entry.details();
  to.device_ids.Add(entry.device_id());
  AddOrNull(!details.name().empty(), details.name(), to.names);
  AddOrNull(!details.location().empty(), details.location(), to.locations);
  AddOrNull(details.status() != v1::MACHINE_STATUS_UNSPECIFIED, EnumText(details.status()),
            to.statuses);
  AddOrNull<std::int64_t>(details.has_water_level_percent(), details.water_level_percent(),
                          to.water_levels);
  AddOrNull<std::int64_t>(details.has_daily_sales_millilitres(), details.daily_sales_millilitres(),
                          to.daily);
  AddOrNull<std::int64_t>(details.has_monthly_sales_millilitres(),
                          details.monthly_sales_millilitres(), to.monthly);
  AddInstant(details.has_last_maintenance_at(), details.last_maintenance_at(), to.last_at);
  AddInstant(details.has_next_maintenance_at(), details.next_maintenance_at(), to.next_at);
  AddOrNull<std::int64_t>(details.has_filter_life_days(), details.filter_life_days(),
                          to.filter_lives);
  AddOrNull(details.has_alerts(), ArrayOf(details.alerts().texts()), to.alerts);
}

// Writes the entries at `indexes`, all of different machines; answers those whose turn comes again.
std::vector<int> UpsertRound(Session& session, const Entries& entries,
                             const std::map<std::string, int>& indexes, Results& results) {
  UpsertParameters given;
  for (const auto& [device_id, index] : indexes) AddEntry(entries[index], given);
  session.Run(kLock, given.device_ids.Text());
  const pqxx::result rows = session.Run(
      kUpsert, given.device_ids.Text(), given.names.Text(), given.locations.Text(),
      given.statuses.Text(), given.water_levels.Text(), given.daily.Text(), given.monthly.Text(),
      given.last_at.Text(), given.next_at.Text(), given.filter_lives.Text(), given.alerts.Text());
  std::map<std::string, int> left = indexes;
  for (const auto& fields : rows) {
    const Row row(fields);
    const auto found = left.find(row.Text(0));
    v1::MachineResult& result = results[found->second];
    result.set_outcome(static_cast<v1::RecordOutcome>(row.Int(1)));
    result.set_version(row.Int(2));
    left.erase(found);
  }
  std::vector<int> again;
  again.reserve(left.size());
  for (const auto& [device_id, index] : left) again.push_back(index);
  return again;
}

}  // namespace

absl::StatusOr<v1::UpsertMachinesResponse> MaintenanceRepository::UpsertMachines(
    const v1::UpsertMachinesRequest& request) {
  v1::UpsertMachinesResponse response;
  Results& results = *response.mutable_results();
  std::vector<int> waiting;
  for (int i = 0; i < request.machines_size(); ++i) {
    const auto violations = CheckFieldRules(request.machines(i), absl::StrCat("machines[", i, "]"));
    v1::MachineResult& result = *results.Add();
    if (violations.empty()) {
      waiting.push_back(i);
    } else {
      Reject(violations, result);
    }
  }
  // Of entries of one machine only the first goes in a round, so that they behave as if in turn.
  while (!waiting.empty()) {
    std::map<std::string, int> round;
    std::vector<int> later;
    for (const int index : waiting) {
      if (!round.emplace(request.machines(index).device_id(), index).second) later.push_back(index);
    }
    waiting = UpsertRound(session_, request.machines(), round, results);
    waiting.insert(waiting.end(), later.begin(), later.end());
  }
  for (const auto& result : results) CountOutcome(result.outcome(), *response.mutable_counts());
  return response;
}

StatementList MaintenanceUpsertStatements() {
  static constexpr const Statement* kAll[] = {&kLock, &kUpsert};
  return kAll;
}

}  // namespace aquifer
