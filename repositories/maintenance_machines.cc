// One machine, and lists of them. There are some ten thousand at most, so that passing along their
// key serves every filter.
#include <optional>
#include <string>
#include <vector>

#include "repositories/array.h"
#include "repositories/enum_text.h"
#include "repositories/errors.h"
#include "repositories/fill_page.h"
#include "repositories/given.h"
#include "repositories/maintenance_repository.h"
#include "repositories/maintenance_row.h"
#include "repositories/page.h"
#include "repositories/statements.h"
#include "repositories/text_search.h"
#include "repositories/update_mask.h"

namespace aquifer {
namespace {

constexpr Statement kGet = {"maintenance.get_machine", "SELECT " AQUIFER_MACHINE_COLUMNS R"sql(
FROM aquifer.machines AS m
WHERE m.device_id = $1::text
)sql"};

constexpr Statement kLock = {"maintenance.lock_machine", R"sql(
SELECT version
FROM aquifer.machines
WHERE device_id = $1::text
FOR UPDATE
)sql"};

// NULL leaves a column; those that may be NULL themselves have a flag of their own.
constexpr Statement kUpdate = {"maintenance.update_machine", R"sql(
UPDATE aquifer.machines AS m
SET name = COALESCE($2::text, m.name),
    location = COALESCE($3::text, m.location),
    status = COALESCE($4::text, m.status),
    water_level_percent =
      CASE WHEN $5::boolean THEN $6::smallint ELSE m.water_level_percent END,
    daily_sales_litres =
      CASE WHEN $7::boolean THEN $8::bigint / 1000.0 ELSE m.daily_sales_litres END,
    monthly_sales_litres =
      CASE WHEN $9::boolean THEN $10::bigint / 1000.0 ELSE m.monthly_sales_litres END,
    last_maintenance_at =
      CASE WHEN $11::boolean THEN $12::timestamptz ELSE m.last_maintenance_at END,
    next_maintenance_at =
      CASE WHEN $13::boolean THEN $14::timestamptz ELSE m.next_maintenance_at END,
    filter_life_days = CASE WHEN $15::boolean THEN $16::integer ELSE m.filter_life_days END,
    alerts = COALESCE($17::text[], m.alerts),
    version = m.version + 1,
    updated_at = now()
WHERE m.device_id = $1::text
RETURNING )sql" AQUIFER_MACHINE_COLUMNS};

// $1 to $8 the filter, $9 the device id to go on after, $10 the limit. No id is shorter than one
// character, so '' comes before the first.
constexpr Statement kList = {"maintenance.list_machines", "SELECT " AQUIFER_MACHINE_COLUMNS R"sql(
FROM aquifer.machines AS m
WHERE m.device_id > $9::text
  AND ($1::text[] IS NULL OR m.device_id = ANY($1::text[]))
  AND ($2::text[] IS NULL OR m.status = ANY($2::text[]))
  AND ($3::text[] IS NULL OR m.water_quality = ANY($3::text[]))
  AND ($4::integer IS NULL OR m.water_level_percent <= $4::integer)
  AND ($5::integer IS NULL OR m.filter_life_days <= $5::integer)
  AND ($6::timestamptz IS NULL OR m.next_maintenance_at <= $6::timestamptz)
  AND (NOT $7::boolean OR m.alerts <> '{}')
  AND )sql" AQUIFER_TEXT_FOUND("$8::text", "m.device_id, m.name, m.location") R"sql(
ORDER BY m.device_id
LIMIT $10::bigint
)sql"};

}  // namespace

absl::StatusOr<v1::GetMachineResponse> MaintenanceRepository::GetMachine(
    const v1::GetMachineRequest& request) {
  const pqxx::result rows = session_.Run(kGet, request.device_id());
  if (rows.empty()) return MachineNotFound(request.device_id());
  v1::GetMachineResponse response;
  MachineFrom(Row(rows[0]), *response.mutable_machine());
  return response;
}

absl::StatusOr<v1::UpdateMachineResponse> MaintenanceRepository::UpdateMachine(
    const v1::UpdateMachineRequest& request) {
  const UpdateMask mask(request.update_mask());
  const v1::MachineDetails& details = request.details();
  if (mask.Has("status") && details.status() == v1::MACHINE_STATUS_UNSPECIFIED) {
    return InvalidFields({{"details.status", "must be set where the mask names it"}});
  }
  const pqxx::result locked = session_.Run(kLock, request.device_id());
  if (locked.empty()) return MachineNotFound(request.device_id());
  const std::int64_t version = Row(locked[0]).Int(0);
  if (version != request.version()) {
    return StaleVersion("machine", request.device_id(), request.version(), version);
  }
  const pqxx::result updated = session_.Run(
      kUpdate, request.device_id(), Given(mask.Has("name"), details.name()),
      Given(mask.Has("location"), details.location()),
      Given(mask.Has("status"), EnumText(details.status())), mask.Has("water_level_percent"),
      Given(details.has_water_level_percent(), details.water_level_percent()),
      mask.Has("daily_sales_millilitres"),
      Given(details.has_daily_sales_millilitres(), details.daily_sales_millilitres()),
      mask.Has("monthly_sales_millilitres"),
      Given(details.has_monthly_sales_millilitres(), details.monthly_sales_millilitres()),
      mask.Has("last_maintenance_at"),
      GivenInstant(details.has_last_maintenance_at(), details.last_maintenance_at()),
      mask.Has("next_maintenance_at"),
      GivenInstant(details.has_next_maintenance_at(), details.next_maintenance_at()),
      mask.Has("filter_life_days"),
      Given(details.has_filter_life_days(), details.filter_life_days()),
      Given(mask.Has("alerts"), ArrayOf(details.alerts().texts())));
  v1::UpdateMachineResponse response;
  MachineFrom(Row(updated[0]), *response.mutable_machine());
  return response;
}

absl::StatusOr<v1::ListMachinesResponse> MaintenanceRepository::ListMachines(
    const v1::ListMachinesRequest& request) {
  const v1::MachineFilter& filter = request.filter();
  std::vector<FieldViolation> violations;
  RefuseUnspecified(filter.statuses(), "filter.statuses", violations);
  RefuseUnspecified(filter.water_qualities(), "filter.water_qualities", violations);
  if (!violations.empty()) return InvalidFields(violations);
  const auto keys = DecodePageToken(request, request.page_token(), 1);
  if (!keys.ok()) return keys.status();
  const int size = PageSize(request.page_size());

  // The one beyond tells that there is a next page.
  const pqxx::result rows = session_.Run(
      kList, ArrayOrNull(filter.device_ids()), EnumsOrNull<v1::MachineStatus>(filter.statuses()),
      EnumsOrNull<v1::WaterQuality>(filter.water_qualities()),
      Given(filter.has_max_water_level_percent(), filter.max_water_level_percent()),
      Given(filter.has_max_filter_life_days(), filter.max_filter_life_days()),
      GivenInstant(filter.has_maintenance_due_by(), filter.maintenance_due_by()),
      filter.with_alerts_only(), filter.text(), keys->has_value() ? (**keys)[0] : "", size + 1);
  v1::ListMachinesResponse response;
  auto& machines = *response.mutable_machines();
  if (FillPage(rows, size, machines, MachineFrom)) {
    response.set_next_page_token(
        EncodePageToken(request, {machines[machines.size() - 1].device_id()}));
  }
  return response;
}

StatementList MaintenanceMachineStatements() {
  static constexpr const Statement* kAll[] = {&kGet, &kLock, &kUpdate, &kList};
  return kAll;
}

}  // namespace aquifer
