// Who looks after which devices.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "repositories/array.h"
#include "repositories/errors.h"
#include "repositories/page.h"
#include "repositories/row.h"
#include "repositories/statements.h"
#include "repositories/worker_access.h"
#include "repositories/worker_repository.h"

namespace aquifer {
namespace {

// How many of $2 are new to the worker, how many others are taken away, how many are given.
constexpr Statement kSet = {"assigned_devices.set", R"sql(
WITH given AS (
  SELECT DISTINCT device.id COLLATE "C" AS device_id
  FROM unnest($2::text[]) AS device (id)
), removed AS (
  DELETE FROM aquifer.assigned_devices AS d
  WHERE d.worker_id = $1::bigint
    AND d.device_id NOT IN (SELECT given.device_id FROM given)
  RETURNING d.device_id
), added AS (
  INSERT INTO aquifer.assigned_devices (worker_id, device_id)
  SELECT $1::bigint, given.device_id
  FROM given
  ON CONFLICT (worker_id, device_id) DO NOTHING
  RETURNING device_id
)
SELECT
  (SELECT count(*) FROM added),
  (SELECT count(*) FROM removed),
  (SELECT count(*) FROM given)
)sql"};

#define AQUIFER_ASSIGNED_COLUMNS "d.worker_id, w.name, d.device_id, d.assigned_at"

// After ($1, $2), and of no worker beyond $3: one worker's are a range of the key.
constexpr Statement kByWorker = {"assigned_devices.list_by_worker",
                                 "SELECT " AQUIFER_ASSIGNED_COLUMNS R"sql(
FROM aquifer.assigned_devices AS d
JOIN aquifer.workers AS w ON w.id = d.worker_id
WHERE (d.worker_id, d.device_id) > ($1::bigint, $2::text)
  AND d.worker_id <= $3::bigint
  AND w.deleted_at IS NULL
ORDER BY d.worker_id, d.device_id
LIMIT $4::bigint
)sql"};

// Of device $1, after worker $2, and of no worker beyond $3.
constexpr Statement kByDevice = {"assigned_devices.list_by_device",
                                 "SELECT " AQUIFER_ASSIGNED_COLUMNS R"sql(
FROM aquifer.assigned_devices AS d
JOIN aquifer.workers AS w ON w.id = d.worker_id
WHERE d.device_id = $1::text
  AND d.worker_id > $2::bigint
  AND d.worker_id <= $3::bigint
  AND w.deleted_at IS NULL
ORDER BY d.worker_id
LIMIT $4::bigint
)sql"};

constexpr std::int64_t kLastWorker = std::numeric_limits<std::int64_t>::max();

struct Position {
  std::int64_t worker_id = 0;
  std::string device_id;
};

// Before the first of the worker asked for, or of all: no device's id is empty.
absl::StatusOr<Position> PositionOf(const v1::ListAssignedDevicesRequest& request) {
  const auto keys = DecodePageToken(request, request.page_token(), 2);
  if (!keys.ok()) return keys.status();
  const bool by_device = !request.device_id().empty();
  // A list by device goes on after a worker, so it begins after the one before.
  if (!keys->has_value()) {
    const std::int64_t worker_id = request.worker_id();
    return Position{by_device && worker_id > 0 ? worker_id - 1 : worker_id, ""};
  }
  Position position{0, (**keys)[1]};
  if (!absl::SimpleAtoi((**keys)[0], &position.worker_id)) return PageTokenMismatch();
  return position;
}

std::vector<FieldViolation> CheckDevices(const v1::SetAssignedDevicesRequest& request) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < request.device_ids_size(); ++i) {
    if (!request.device_ids(i).empty()) continue;
    violations.push_back({absl::StrCat("device_ids[", i, "]"), "must not be empty"});
  }
  return violations;
}

}  // namespace

absl::StatusOr<v1::SetAssignedDevicesResponse> WorkerRepository::SetAssignedDevices(
    const v1::SetAssignedDevicesRequest& request) {
  const auto violations = CheckDevices(request);
  if (!violations.empty()) return InvalidFields(violations);
  const auto worker = LockWorker(session_, request.worker_id());
  if (!worker.ok()) return worker.status();

  const pqxx::result set = session_.Run(kSet, request.worker_id(), ArrayOf(request.device_ids()));
  const Row counts(set[0]);
  v1::SetAssignedDevicesResponse response;
  response.set_added(counts.Int(0));
  response.set_removed(counts.Int(1));
  response.set_unchanged(counts.Int(2) - counts.Int(0));
  return response;
}

absl::StatusOr<v1::ListAssignedDevicesResponse> WorkerRepository::ListAssignedDevices(
    const v1::ListAssignedDevicesRequest& request) {
  const auto after = PositionOf(request);
  if (!after.ok()) return after.status();
  const std::int64_t last_worker = request.worker_id() > 0 ? request.worker_id() : kLastWorker;
  const int size = PageSize(request.page_size());

  // The one beyond tells that there is a next page.
  const pqxx::result rows =
      request.device_id().empty()
          ? session_.Run(kByWorker, after->worker_id, after->device_id, last_worker, size + 1)
          : session_.Run(kByDevice, request.device_id(), after->worker_id, last_worker, size + 1);
  v1::ListAssignedDevicesResponse response;
  for (const auto& fields : rows) {
    if (response.devices_size() == size) {
      const v1::AssignedDevice& last = response.devices(size - 1);
      response.set_next_page_token(
          EncodePageToken(request, {absl::StrCat(last.worker_id()), last.device_id()}));
      break;
    }
    const Row row(fields);
    v1::AssignedDevice& device = *response.add_devices();
    device.set_worker_id(row.Int(0));
    device.set_worker_name(row.Text(1));
    device.set_device_id(row.Text(2));
    *device.mutable_assigned_at() = row.Instant(3);
  }
  return response;
}

StatementList AssignedDeviceStatements() {
  static constexpr const Statement* kAll[] = {&kSet, &kByWorker, &kByDevice};
  return kAll;
}

}  // namespace aquifer
