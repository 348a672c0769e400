// Starting and ending shifts, each with its point.
#include <google/protobuf/util/time_util.h>

#include <utility>
#include <vector>

#include "repositories/errors.h"
#include "repositories/row.h"
#include "repositories/shift_points.h"
#include "repositories/statements.h"
#include "repositories/worker_access.h"
#include "repositories/worker_repository.h"

namespace aquifer {
namespace {

// When a shift may start: $2, or now; whether that is in the last shift, and whether in the future.
// Shifts do not overlap, so the one that started last ended last.
constexpr Statement kJudgeStart = {"shifts.judge_start", R"sql(
SELECT
  asked.at,
  COALESCE(asked.at < last.ended_at, false), )sql" AQUIFER_IN_FUTURE("$2::timestamptz") R"sql(
FROM (VALUES (1)) AS one (row)
LEFT JOIN LATERAL (
  SELECT s.ended_at
  FROM aquifer.shifts AS s
  WHERE s.worker_id = $1::bigint
  ORDER BY s.started_at DESC
  LIMIT 1
) AS last ON true
CROSS JOIN LATERAL (
  SELECT COALESCE($2::timestamptz, GREATEST(statement_timestamp(), last.ended_at)) AS at
) AS asked
)sql"};

constexpr Statement kStart = {"shifts.start", R"sql(
INSERT INTO aquifer.shifts (worker_id, started_at)
VALUES ($1::bigint, $2::timestamptz)
RETURNING id
)sql"};

constexpr Statement kEnd = {"shifts.end", R"sql(
UPDATE aquifer.shifts AS s
SET ended_at = $2::timestamptz
WHERE s.id = $1::bigint
)sql"};

v1::WorkPoint PointOf(const v1::Shift& shift, v1::WorkPointType type, const v1::Place& place,
                      const google::protobuf::Timestamp& at) {
  v1::WorkPoint point;
  point.set_shift_id(shift.id());
  point.set_worker_id(shift.worker_id());
  point.set_type(type);
  if (place.ByteSizeLong() > 0) *point.mutable_place() = place;
  *point.mutable_recorded_at() = at;
  return point;
}

}  // namespace

absl::StatusOr<v1::StartShiftResponse> WorkerRepository::StartShift(
    const v1::StartShiftRequest& request) {
  const auto worker = LockWorker(session_, request.worker_id());
  if (!worker.ok()) return worker.status();
  if (worker->on_shift()) return WorkerOnShift(request.worker_id());

  const pqxx::result judged =
      session_.Run(kJudgeStart, request.worker_id(),
                   InstantOrNull(request.has_started_at(), request.started_at()));
  const Row judgement(judged[0]);
  std::vector<FieldViolation> violations;
  CheckPlace(request.place(), violations);
  if (judgement.Bool(1)) {
    violations.push_back({"started_at", "must not be before the end of the last shift"});
  }
  if (judgement.Bool(2)) violations.push_back({"started_at", "must not be in the future"});
  if (!violations.empty()) return InvalidFields(violations);

  v1::StartShiftResponse response;
  v1::Shift& shift = *response.mutable_shift();
  shift.set_worker_id(request.worker_id());
  *shift.mutable_started_at() = judgement.Instant(0);
  const pqxx::result started =
      session_.Run(kStart, shift.worker_id(), InstantText(shift.started_at()));
  shift.set_id(Row(started[0]).Int(0));
  *response.mutable_point() = InsertWorkPoint(
      session_, PointOf(shift, v1::WORK_POINT_TYPE_START, request.place(), shift.started_at()));
  return response;
}

absl::StatusOr<v1::EndShiftResponse> WorkerRepository::EndShift(
    const v1::EndShiftRequest& request) {
  const auto worker = LockWorker(session_, request.worker_id(), DeletedWorker::kAllowed);
  if (!worker.ok()) return worker.status();
  auto found = FindShiftUnderWay(session_, request.worker_id(),
                                 InstantOrNull(request.has_ended_at(), request.ended_at()));
  if (!found.ok()) return found.status();

  std::vector<FieldViolation> violations;
  CheckPlace(request.place(), violations);
  if (found->at <= found->shift.started_at()) {
    violations.push_back({"ended_at", "must be after the shift's start"});
  } else if (found->at < found->last_point_at) {
    violations.push_back({"ended_at", "must not be before the shift's last point"});
  }
  if (found->in_future) violations.push_back({"ended_at", "must not be in the future"});
  if (!violations.empty()) return InvalidFields(violations);

  v1::EndShiftResponse response;
  v1::Shift& shift = *response.mutable_shift();
  shift = std::move(found->shift);
  *shift.mutable_ended_at() = found->at;
  session_.Run(kEnd, shift.id(), InstantText(shift.ended_at()));
  InsertWorkPoint(session_,
                  PointOf(shift, v1::WORK_POINT_TYPE_END, request.place(), shift.ended_at()));
  *response.mutable_duration() = shift.ended_at() - shift.started_at();
  *response.mutable_route() = RouteOf(session_, shift.id());
  response.set_points(CountPoints(session_, shift.id()));
  return response;
}

StatementList WorkerShiftStatements() {
  static constexpr const Statement* kAll[] = {&kJudgeStart, &kStart, &kEnd};
  return kAll;
}

}  // namespace aquifer
