// Rows locked for the rest of the transaction: one that is to change, or one that others are to
// name, which keeps it from going away first.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "aquifer/v1/maintenance.pb.h"
#include "repositories/session.h"

namespace aquifer {

struct LockedTask {
  std::int64_t version = 0;
  v1::TaskStatus status = v1::TASK_STATUS_UNSPECIFIED;
  bool has_instant = false;
  // Empty if it is about none.
  std::string device_id;
};

// Locks a task to change it; TASK_NOT_FOUND.
absl::StatusOr<LockedTask> LockTask(Session& session, std::int64_t id);
// The same where it must have this version; STALE_VERSION.
absl::StatusOr<LockedTask> LockTask(Session& session, std::int64_t id, std::int64_t version);

// Locks what a task or a test is to name, unless it names none ("" and 0); MACHINE_NOT_FOUND,
// TECHNICIAN_NOT_FOUND.
absl::Status LockNamedMachine(Session& session, const std::string& device_id);
absl::Status LockNamedTechnician(Session& session, std::int64_t id);

}  // namespace aquifer
