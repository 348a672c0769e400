// Moving a task from state to state. Completing it is one transaction with what it means for its
// machine (domain rule 9).
#include <absl/strings/str_cat.h>

#include <string>
#include <vector>

#include "repositories/errors.h"
#include "repositories/given.h"
#include "repositories/maintenance_locks.h"
#include "repositories/maintenance_repository.h"
#include "repositories/maintenance_row.h"
#include "repositories/statements.h"
#include "repositories/task_transitions.h"

namespace aquifer {
namespace {

// Who reports a completion may have a clock that is a little ahead.
#define AQUIFER_CLOCK_TOLERANCE "interval '5 minutes'"

// No row if the completion would lie in the future.
constexpr Statement kMove = {"maintenance.transition_task", R"sql(
WITH t AS (
  UPDATE aquifer.maintenance_tasks AS t
  SET status = $2::text,
      scheduled_at = CASE
        WHEN $2::text <> 'pending' THEN COALESCE($3::timestamptz, t.scheduled_at) END,
      completed_at = CASE
        WHEN $2::text = 'completed' THEN COALESCE($4::timestamptz, now()) END,
      version = t.version + 1,
      updated_at = now()
  WHERE t.id = $1::bigint
    AND COALESCE($4::timestamptz, now()) <= now() + )sql" AQUIFER_CLOCK_TOLERANCE R"sql(
  RETURNING )sql" AQUIFER_STORED_TASK R"sql(
)
SELECT )sql" AQUIFER_TASK_COLUMNS R"sql(
FROM t
)sql" AQUIFER_TASK_JOINS};

// Never backwards: a task may be reported after a later one.
constexpr Statement kMaintained = {"maintenance.machine_maintained", R"sql(
UPDATE aquifer.machines AS m
SET last_maintenance_at = t.completed_at,
    version = m.version + 1,
    updated_at = now()
FROM aquifer.maintenance_tasks AS t
WHERE t.id = $1::bigint
  AND m.device_id = t.device_id
  AND (m.last_maintenance_at IS NULL OR m.last_maintenance_at < t.completed_at)
)sql"};

std::vector<FieldViolation> CheckInstants(const v1::TransitionTaskRequest& request) {
  std::vector<FieldViolation> violations;
  if (request.has_completed_at() && request.to() != v1::TASK_STATUS_COMPLETED) {
    violations.push_back({"completed_at", "must be set only where to is COMPLETED"});
  }
  if (request.has_scheduled_at() && request.to() != v1::TASK_STATUS_SCHEDULED) {
    violations.push_back({"scheduled_at", "must be set only where to is SCHEDULED"});
  }
  if (request.has_status() && request.status() == v1::TASK_STATUS_UNSPECIFIED) {
    violations.push_back({"status", "must not be UNSPECIFIED"});
  }
  return violations;
}

absl::Status IllegalTransition(std::int64_t id, v1::TaskStatus from, v1::TaskStatus to) {
  std::string allowed;
  for (const TaskMove& move : kLegalTaskMoves) {
    if (move.from != from) continue;
    absl::StrAppend(&allowed, allowed.empty() ? "" : ", ", EnumText(move.to));
  }
  if (allowed.empty()) allowed = "none";
  return MakeError(Reason::kIllegalTransition,
                   absl::StrCat("task ", id, " cannot move from ", EnumText(from), " to ",
                                EnumText(to), "; allowed: ", allowed),
                   {{"id", absl::StrCat(id)},
                    {"from", EnumText(from)},
                    {"to", EnumText(to)},
                    {"allowed", allowed}});
}

absl::Status CheckExpected(const v1::TransitionTaskRequest& request, const LockedTask& task) {
  if (request.has_version() && request.version() != task.version) {
    return StaleVersion("task", request.id(), request.version(), task.version);
  }
  if (request.has_status() && request.status() != task.status) {
    return MakeError(Reason::kStaleVersion,
                     absl::StrCat("task ", request.id(), " is ", EnumText(task.status), ", not ",
                                  EnumText(request.status())),
                     {{"id", absl::StrCat(request.id())},
                      {"sent", EnumText(request.status())},
                      {"current", EnumText(task.status)}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::TransitionTaskResponse> MaintenanceRepository::TransitionTask(
    const v1::TransitionTaskRequest& request) {
  if (const auto bad = CheckInstants(request); !bad.empty()) return InvalidFields(bad);
  const auto task = LockTask(session_, request.id());
  if (!task.ok()) return task.status();
  if (auto status = CheckExpected(request, *task); !status.ok()) return status;
  if (!IsLegalTaskMove(task->status, request.to())) {
    return IllegalTransition(request.id(), task->status, request.to());
  }
  if (request.to() == v1::TASK_STATUS_SCHEDULED && !request.has_scheduled_at() &&
      !task->has_instant) {
    return InvalidFields({{"scheduled_at", "must be set: the task is not planned yet"}});
  }
  const pqxx::result moved =
      session_.Run(kMove, request.id(), EnumText(request.to()),
                   GivenInstant(request.has_scheduled_at(), request.scheduled_at()),
                   GivenInstant(request.has_completed_at(), request.completed_at()));
  if (moved.empty()) return InvalidFields({{"completed_at", "must not be in the future"}});

  v1::TransitionTaskResponse response;
  TaskFrom(Row(moved[0]), *response.mutable_task());
  if (request.to() == v1::TASK_STATUS_COMPLETED && !task->device_id.empty()) {
    response.set_machine_updated(session_.Run(kMaintained, request.id()).affected_rows() > 0);
  }
  return response;
}

StatementList MaintenanceTransitionStatements() {
  static constexpr const Statement* kAll[] = {&kMove, &kMaintained};
  return kAll;
}

}  // namespace aquifer
