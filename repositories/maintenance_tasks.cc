// One task: creating, reading, changing, assigning and deleting it.
#include <absl/strings/str_cat.h>

#include <optional>
#include <string>
#include <vector>

#include "repositories/errors.h"
#include "repositories/given.h"
#include "repositories/maintenance_locks.h"
#include "repositories/maintenance_repository.h"
#include "repositories/maintenance_row.h"
#include "repositories/statements.h"
#include "repositories/update_mask.h"

namespace aquifer {
namespace {

// The answer of a statement that changes the task `t`.
#define AQUIFER_CHANGED_TASK "SELECT " AQUIFER_TASK_COLUMNS " FROM t " AQUIFER_TASK_JOINS

constexpr Statement kCreate = {"maintenance.create_task", R"sql(
WITH t AS (
  INSERT INTO aquifer.maintenance_tasks AS t (
    title, description, location, estimated_duration, parts_needed, type, priority, scheduled_at,
    device_id, technician_id, status)
  VALUES (
    $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, COALESCE($7::text, 'medium'),
    $8::timestamptz, NULLIF($9::text, ''), NULLIF($10::bigint, 0),
    CASE WHEN $8::timestamptz IS NULL THEN 'pending' ELSE 'scheduled' END)
  RETURNING )sql" AQUIFER_STORED_TASK R"sql(
)
)sql" AQUIFER_CHANGED_TASK};

constexpr Statement kGet = {"maintenance.get_task", "SELECT " AQUIFER_TASK_COLUMNS R"sql(
FROM aquifer.maintenance_tasks AS t
)sql" AQUIFER_TASK_JOINS R"sql(
WHERE t.id = $1::bigint
)sql"};

// NULL leaves a column; those that may be NULL themselves have a flag of their own.
constexpr Statement kUpdate = {"maintenance.update_task", R"sql(
WITH t AS (
  UPDATE aquifer.maintenance_tasks AS t
  SET title = COALESCE($2::text, t.title),
      description = COALESCE($3::text, t.description),
      location = COALESCE($4::text, t.location),
      estimated_duration = COALESCE($5::text, t.estimated_duration),
      parts_needed = COALESCE($6::text, t.parts_needed),
      type = COALESCE($7::text, t.type),
      priority = COALESCE($8::text, t.priority),
      scheduled_at = CASE WHEN $9::boolean THEN $10::timestamptz ELSE t.scheduled_at END,
      device_id = CASE WHEN $11::boolean THEN NULLIF($12::text, '') ELSE t.device_id END,
      version = t.version + 1,
      updated_at = now()
  WHERE t.id = $1::bigint
  RETURNING )sql" AQUIFER_STORED_TASK R"sql(
)
)sql" AQUIFER_CHANGED_TASK};

constexpr Statement kAssign = {"maintenance.assign_task", R"sql(
WITH t AS (
  UPDATE aquifer.maintenance_tasks AS t
  SET technician_id = NULLIF($2::bigint, 0),
      version = t.version + 1,
      updated_at = now()
  WHERE t.id = $1::bigint
  RETURNING )sql" AQUIFER_STORED_TASK R"sql(
)
)sql" AQUIFER_CHANGED_TASK};

constexpr Statement kDelete = {"maintenance.delete_task", R"sql(
DELETE FROM aquifer.maintenance_tasks
WHERE id = $1::bigint
)sql"};

// What the field rules cannot say of an update.
std::vector<FieldViolation> CheckUpdate(const UpdateMask& mask, const v1::TaskDetails& details,
                                        const LockedTask& task) {
  std::vector<FieldViolation> violations;
  if (mask.Has("priority") && details.priority() == v1::TASK_PRIORITY_UNSPECIFIED) {
    violations.push_back({"details.priority", "must be set where the mask names it"});
  }
  if (mask.Has("scheduled_at") && !details.has_scheduled_at() &&
      task.status == v1::TASK_STATUS_SCHEDULED) {
    violations.push_back({"details.scheduled_at", "must be set while the task is SCHEDULED"});
  }
  return violations;
}

}  // namespace

absl::StatusOr<v1::CreateTaskResponse> MaintenanceRepository::CreateTask(
    const v1::CreateTaskRequest& request) {
  const v1::TaskDetails& details = request.details();
  if (auto status = LockNamedMachine(session_, details.device_id()); !status.ok()) return status;
  if (auto status = LockNamedTechnician(session_, request.technician_id()); !status.ok()) {
    return status;
  }
  const pqxx::result created =
      session_.Run(kCreate, details.title(), details.description(), details.location(),
                   details.estimated_duration(), details.parts_needed(), EnumText(details.type()),
                   EnumTextOrNull(details.priority()),
                   GivenInstant(details.has_scheduled_at(), details.scheduled_at()),
                   details.device_id(), request.technician_id());
  v1::CreateTaskResponse response;
  TaskFrom(Row(created[0]), *response.mutable_task());
  return response;
}

absl::StatusOr<v1::GetTaskResponse> MaintenanceRepository::GetTask(
    const v1::GetTaskRequest& request) {
  const pqxx::result rows = session_.Run(kGet, request.id());
  if (rows.empty()) return TaskNotFound(request.id());
  v1::GetTaskResponse response;
  TaskFrom(Row(rows[0]), *response.mutable_task());
  return response;
}

absl::StatusOr<v1::UpdateTaskResponse> MaintenanceRepository::UpdateTask(
    const v1::UpdateTaskRequest& request) {
  const UpdateMask mask(request.update_mask());
  const v1::TaskDetails& details = request.details();
  const auto task = LockTask(session_, request.id(), request.version());
  if (!task.ok()) return task.status();
  const auto violations = CheckUpdate(mask, details, *task);
  if (!violations.empty()) return InvalidFields(violations);
  if (mask.Has("device_id")) {
    if (auto status = LockNamedMachine(session_, details.device_id()); !status.ok()) return status;
  }
  const pqxx::result updated = session_.Run(
      kUpdate, request.id(), Given(mask.Has("title"), details.title()),
      Given(mask.Has("description"), details.description()),
      Given(mask.Has("location"), details.location()),
      Given(mask.Has("estimated_duration"), details.estimated_duration()),
      Given(mask.Has("parts_needed"), details.parts_needed()),
      Given(mask.Has("type"), EnumText(details.type())),
      Given(mask.Has("priority"), EnumText(details.priority())), mask.Has("scheduled_at"),
      GivenInstant(details.has_scheduled_at(), details.scheduled_at()), mask.Has("device_id"),
      details.device_id());
  v1::UpdateTaskResponse response;
  TaskFrom(Row(updated[0]), *response.mutable_task());
  return response;
}

absl::StatusOr<v1::AssignTaskResponse> MaintenanceRepository::AssignTask(
    const v1::AssignTaskRequest& request) {
  const auto task = LockTask(session_, request.id(), request.version());
  if (!task.ok()) return task.status();
  if (auto status = LockNamedTechnician(session_, request.technician_id()); !status.ok()) {
    return status;
  }
  const pqxx::result assigned = session_.Run(kAssign, request.id(), request.technician_id());
  v1::AssignTaskResponse response;
  TaskFrom(Row(assigned[0]), *response.mutable_task());
  return response;
}

absl::StatusOr<v1::DeleteTaskResponse> MaintenanceRepository::DeleteTask(
    const v1::DeleteTaskRequest& request) {
  const auto task = LockTask(session_, request.id(), request.version());
  if (!task.ok()) return task.status();
  session_.Run(kDelete, request.id());
  return v1::DeleteTaskResponse();
}

StatementList MaintenanceTaskStatements() {
  static constexpr const Statement* kAll[] = {&kCreate, &kGet, &kUpdate, &kAssign, &kDelete};
  return kAll;
}

}  // namespace aquifer
