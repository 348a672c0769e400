// Points of shifts: recording one, and listing them.
#include <google/protobuf/util/time_util.h>

#include <optional>
#include <string>
#include <vector>

#include "repositories/errors.h"
#include "repositories/page.h"
#include "repositories/position.h"
#include "repositories/row.h"
#include "repositories/shift_points.h"
#include "repositories/statements.h"
#include "repositories/worker_access.h"
#include "repositories/worker_repository.h"

namespace aquifer {
namespace {

// $2 and $3 are the days, or NULL; $4 and $5 the position; at most $6 points come. Without a
// position the range's start stands in for it: ids begin with 1, so that it is included.
// clang-format off
#define AQUIFER_POINTS_OF(owner)                                                       \
  "SELECT " AQUIFER_WORK_POINT_COLUMNS " "                                             \
  "FROM aquifer.work_points AS p "                                                     \
  "WHERE " owner " = $1::bigint "                                                      \
  "AND p.recorded_at < COALESCE(($3::date + 1)::timestamptz, 'infinity') "             \
  "AND (p.recorded_at, p.id) "                                                         \
      "> (COALESCE($4::timestamptz, $2::date::timestamptz, '-infinity'), $5::bigint) " \
  "ORDER BY p.recorded_at, p.id "                                                      \
  "LIMIT $6::bigint"
// clang-format on

constexpr Statement kOfShift = {"work_points.list_of_shift", AQUIFER_POINTS_OF("p.shift_id")};
constexpr Statement kOfWorker = {"work_points.list_of_worker", AQUIFER_POINTS_OF("p.worker_id")};

// What the proto's rules cannot say, but for the instant.
std::vector<FieldViolation> CheckRequest(const v1::RecordWorkPointRequest& request) {
  std::vector<FieldViolation> violations;
  const v1::Place& place = request.place();
  switch (request.type()) {
    case v1::WORK_POINT_TYPE_DEVICE:
      if (request.device_id().empty()) {
        violations.push_back({"device_id", "must be set where the type is DEVICE"});
      }
      break;
    case v1::WORK_POINT_TYPE_WAYPOINT:
      if (!request.device_id().empty()) {
        violations.push_back({"device_id", "must be empty where the type is not DEVICE"});
      }
      if (!place.has_latitude() && !place.has_longitude() && place.address().empty()) {
        violations.push_back({"place", "must have coordinates or an address"});
      }
      break;
    default:
      violations.push_back({"type", "must be DEVICE or WAYPOINT"});
      break;
  }
  CheckPlace(place, violations);
  return violations;
}

}  // namespace

absl::StatusOr<v1::RecordWorkPointResponse> WorkerRepository::RecordWorkPoint(
    const v1::RecordWorkPointRequest& request) {
  std::vector<FieldViolation> violations = CheckRequest(request);
  if (!violations.empty()) return InvalidFields(violations);
  const auto worker = LockWorker(session_, request.worker_id(), DeletedWorker::kAllowed);
  if (!worker.ok()) return worker.status();
  const auto found =
      FindShiftUnderWay(session_, request.worker_id(),
                        InstantOrNull(request.has_recorded_at(), request.recorded_at()));
  if (!found.ok()) return found.status();
  if (found->at < found->shift.started_at()) {
    violations.push_back({"recorded_at", "must not be before the shift's start"});
  }
  if (found->in_future) violations.push_back({"recorded_at", "must not be in the future"});
  if (!violations.empty()) return InvalidFields(violations);

  v1::WorkPoint point;
  point.set_shift_id(found->shift.id());
  point.set_worker_id(request.worker_id());
  point.set_type(request.type());
  point.set_device_id(request.device_id());
  if (request.has_place()) *point.mutable_place() = request.place();
  *point.mutable_recorded_at() = found->at;
  v1::RecordWorkPointResponse response;
  *response.mutable_point() = InsertWorkPoint(session_, std::move(point));
  return response;
}

absl::StatusOr<v1::ListWorkPointsResponse> WorkerRepository::ListWorkPoints(
    const v1::ListWorkPointsRequest& request) {
  const auto after = DecodeTimePosition(request, request.page_token());
  if (!after.ok()) return after.status();
  std::optional<std::string> first_day, last_day;
  if (request.has_days()) {
    first_day = DayText(request.days().first());
    last_day = DayText(request.days().last());
  }
  const int size = PageSize(request.page_size());
  const bool of_shift = request.of_case() == v1::ListWorkPointsRequest::kShiftId;

  // The one beyond tells that there is a next page.
  const pqxx::result rows = session_.Run(of_shift ? kOfShift : kOfWorker,
                                         of_shift ? request.shift_id() : request.worker_id(),
                                         first_day, last_day, after->at, after->id, size + 1);
  v1::ListWorkPointsResponse response;
  for (const auto& row : rows) {
    if (response.points_size() == size) {
      const v1::WorkPoint& last = response.points(size - 1);
      response.set_next_page_token(EncodeTimePosition(request, last.recorded_at(), last.id()));
      break;
    }
    WorkPointFrom(Row(row), *response.add_points());
  }
  return response;
}

StatementList WorkPointStatements() {
  static constexpr const Statement* kAll[] = {&kOfShift, &kOfWorker};
  return kAll;
}

}  // namespace aquifer
