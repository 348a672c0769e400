// Technicians. There are few, so that passing along their key serves every filter.
#include <cstdint>
#include <string>
#include <vector>

#include "repositories/enum_text.h"
#include "repositories/errors.h"
#include "repositories/fill_page.h"
#include "repositories/given.h"
#include "repositories/maintenance_repository.h"
#include "repositories/maintenance_row.h"
#include "repositories/page.h"
#include "repositories/position.h"
#include "repositories/row.h"
#include "repositories/statements.h"
#include "repositories/text_search.h"
#include "repositories/update_mask.h"

namespace aquifer {
namespace {

// Selects a technician `w` with the count of what they have to do.
#define AQUIFER_TECHNICIAN_COLUMNS                                                   \
  "w.id, w.name, w.phone, w.email, w.specialization, w.status, w.current_location, " \
  "(SELECT count(*) FROM aquifer.maintenance_tasks AS t "                            \
  "WHERE t.technician_id = w.id AND " AQUIFER_TASK_OPEN                              \
  "), "                                                                              \
  "w.version, w.created_at, w.updated_at"

constexpr Statement kCreate = {"maintenance.create_technician", R"sql(
INSERT INTO aquifer.technicians AS w (
  name, phone, email, specialization, status, current_location)
VALUES (
  $1::text, $2::text, $3::text, COALESCE($4::text, 'general'), COALESCE($5::text, 'available'),
  $6::text)
RETURNING )sql" AQUIFER_TECHNICIAN_COLUMNS};

constexpr Statement kGet = {"maintenance.get_technician",
                            "SELECT " AQUIFER_TECHNICIAN_COLUMNS R"sql(
FROM aquifer.technicians AS w
WHERE w.id = $1::bigint
)sql"};

constexpr Statement kLock = {"maintenance.lock_technician", R"sql(
SELECT version
FROM aquifer.technicians
WHERE id = $1::bigint
FOR UPDATE
)sql"};

// NULL leaves a column.
constexpr Statement kUpdate = {"maintenance.update_technician", R"sql(
UPDATE aquifer.technicians AS w
SET name = COALESCE($2::text, w.name),
    phone = COALESCE($3::text, w.phone),
    email = COALESCE($4::text, w.email),
    specialization = COALESCE($5::text, w.specialization),
    status = COALESCE($6::text, w.status),
    current_location = COALESCE($7::text, w.current_location),
    version = w.version + 1,
    updated_at = now()
WHERE w.id = $1::bigint
RETURNING )sql" AQUIFER_TECHNICIAN_COLUMNS};

// $1 to $3 the filter, $4 the id to go on after, $5 the limit.
constexpr Statement kList = {"maintenance.list_technicians",
                             "SELECT " AQUIFER_TECHNICIAN_COLUMNS R"sql(
FROM aquifer.technicians AS w
WHERE w.id > $4::bigint
  AND ($1::text[] IS NULL OR w.status = ANY($1::text[]))
  AND ($2::text[] IS NULL OR w.specialization = ANY($2::text[]))
  AND )sql" AQUIFER_TEXT_FOUND("$3::text", "w.name, w.phone, w.email, w.current_location") R"sql(
ORDER BY w.id
LIMIT $5::bigint
)sql"};

void TechnicianFrom(const Row& row, v1::Technician& technician) {
  technician.set_id(row.Int(0));
  v1::TechnicianDetails& details = *technician.mutable_details();
  details.set_name(row.Text(1));
  details.set_phone(row.Text(2));
  details.set_email(row.Text(3));
  details.set_specialization(EnumFrom<v1::Specialization>(row.Text(4)));
  details.set_status(EnumFrom<v1::TechnicianStatus>(row.Text(5)));
  details.set_current_location(row.Text(6));
  technician.set_open_tasks(row.Int(7));
  technician.set_version(row.Int(8));
  *technician.mutable_created_at() = row.Instant(9);
  *technician.mutable_updated_at() = row.Instant(10);
}

// What the field rules cannot say of an update.
std::vector<FieldViolation> CheckUpdate(const UpdateMask& mask,
                                        const v1::TechnicianDetails& details) {
  std::vector<FieldViolation> violations;
  if (mask.Has("specialization") && details.specialization() == v1::SPECIALIZATION_UNSPECIFIED) {
    violations.push_back({"details.specialization", "must be set where the mask names it"});
  }
  if (mask.Has("status") && details.status() == v1::TECHNICIAN_STATUS_UNSPECIFIED) {
    violations.push_back({"details.status", "must be set where the mask names it"});
  }
  return violations;
}

}  // namespace

absl::StatusOr<v1::CreateTechnicianResponse> MaintenanceRepository::CreateTechnician(
    const v1::CreateTechnicianRequest& request) {
  const v1::TechnicianDetails& details = request.details();
  const pqxx::result created =
      session_.Run(kCreate, details.name(), details.phone(), details.email(),
                   EnumTextOrNull(details.specialization()), EnumTextOrNull(details.status()),
                   details.current_location());
  v1::CreateTechnicianResponse response;
  TechnicianFrom(Row(created[0]), *response.mutable_technician());
  return response;
}

absl::StatusOr<v1::GetTechnicianResponse> MaintenanceRepository::GetTechnician(
    const v1::GetTechnicianRequest& request) {
  const pqxx::result rows = session_.Run(kGet, request.id());
  if (rows.empty()) return TechnicianNotFound(request.id());
  v1::GetTechnicianResponse response;
  TechnicianFrom(Row(rows[0]), *response.mutable_technician());
  return response;
}

absl::StatusOr<v1::UpdateTechnicianResponse> MaintenanceRepository::UpdateTechnician(
    const v1::UpdateTechnicianRequest& request) {
  const UpdateMask mask(request.update_mask());
  const v1::TechnicianDetails& details = request.details();
  if (const auto bad = CheckUpdate(mask, details); !bad.empty()) return InvalidFields(bad);
  const pqxx::result locked = session_.Run(kLock, request.id());
  if (locked.empty()) return TechnicianNotFound(request.id());
  const std::int64_t version = Row(locked[0]).Int(0);
  if (version != request.version()) {
    return StaleVersion("technician", request.id(), request.version(), version);
  }
  const pqxx::result updated = session_.Run(
      kUpdate, request.id(), Given(mask.Has("name"), details.name()),
      Given(mask.Has("phone"), details.phone()), Given(mask.Has("email"), details.email()),
      Given(mask.Has("specialization"), EnumText(details.specialization())),
      Given(mask.Has("status"), EnumText(details.status())),
      Given(mask.Has("current_location"), details.current_location()));
  v1::UpdateTechnicianResponse response;
  TechnicianFrom(Row(updated[0]), *response.mutable_technician());
  return response;
}

absl::StatusOr<v1::ListTechniciansResponse> MaintenanceRepository::ListTechnicians(
    const v1::ListTechniciansRequest& request) {
  std::vector<FieldViolation> violations;
  RefuseUnspecified(request.statuses(), "statuses", violations);
  RefuseUnspecified(request.specializations(), "specializations", violations);
  if (!violations.empty()) return InvalidFields(violations);
  const auto after = DecodeIdPosition(request, request.page_token());
  if (!after.ok()) return after.status();
  const int size = PageSize(request.page_size());

  // The one beyond tells that there is a next page.
  const pqxx::result rows = session_.Run(
      kList, EnumsOrNull<v1::TechnicianStatus>(request.statuses()),
      EnumsOrNull<v1::Specialization>(request.specializations()), request.text(), *after, size + 1);
  v1::ListTechniciansResponse response;
  auto& technicians = *response.mutable_technicians();
  if (FillPage(rows, size, technicians, TechnicianFrom)) {
    response.set_next_page_token(
        EncodeIdPosition(request, technicians[technicians.size() - 1].id()));
  }
  return response;
}

StatementList MaintenanceTechnicianStatements() {
  static constexpr const Statement* kAll[] = {&kCreate, &kGet, &kLock, &kUpdate, &kList};
  return kAll;
}

}  // namespace aquifer
