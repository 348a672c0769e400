#include "repositories/maintenance_locks.h"

#include "repositories/enum_text.h"
#include "repositories/errors.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

constexpr Statement kTask = {"maintenance.lock_task", R"sql(
SELECT version, status, scheduled_at IS NOT NULL, COALESCE(device_id, '')
FROM aquifer.maintenance_tasks
WHERE id = $1::bigint
FOR UPDATE
)sql"};

constexpr Statement kMachine = {"maintenance.lock_named_machine", R"sql(
SELECT
FROM aquifer.machines
WHERE device_id = $1::text
FOR KEY SHARE
)sql"};

constexpr Statement kTechnician = {"maintenance.lock_named_technician", R"sql(
SELECT
FROM aquifer.technicians
WHERE id = $1::bigint
FOR KEY SHARE
)sql"};

}  // namespace

absl::StatusOr<LockedTask> LockTask(Session& session, std::int64_t id) {
  const pqxx::result rows = session.Run(kTask, id);
  if (rows.empty()) return TaskNotFound(id);
  const Row row(rows[0]);
  return LockedTask{row.Int(0), EnumFrom<v1::TaskStatus>(row.Text(1)), row.Bool(2), row.Text(3)};
}

absl::StatusOr<LockedTask> LockTask(Session& session, std::int64_t id, std::int64_t version) {
  absl::StatusOr<LockedTask> task = LockTask(session, id);
  if (task.ok() && task->version != version) {
    return StaleVersion("task", id, version, task->version);
  }
  return task;
}

absl::Status LockNamedMachine(Session& session, const std::string& device_id) {
  if (device_id.empty() || !session.Run(kMachine, device_id).empty()) return absl::OkStatus();
  return MachineNotFound(device_id);
}

absl::Status LockNamedTechnician(Session& session, std::int64_t id) {
  if (id == 0 || !session.Run(kTechnician, id).empty()) return absl::OkStatus();
  return TechnicianNotFound(id);
}

StatementList MaintenanceLockStatements() {
  static constexpr const Statement* kAll[] = {&kTask, &kMachine, &kTechnician};
  return kAll;
}

}  // namespace aquifer
