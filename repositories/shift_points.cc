#include "repositories/shift_points.h"

#include <absl/strings/str_cat.h>

#include "repositories/enum_text.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

constexpr int kMostRoutePoints = 1000;

constexpr Statement kUnderWay = {"shifts.under_way", R"sql(
SELECT
  s.id, s.started_at, last.at,
  asked.at, )sql" AQUIFER_IN_FUTURE("$2::timestamptz") R"sql(
FROM aquifer.shifts AS s
CROSS JOIN LATERAL (
  SELECT max(p.recorded_at) AS at
  FROM aquifer.work_points AS p
  WHERE p.shift_id = s.id
) AS last
CROSS JOIN LATERAL (
  SELECT COALESCE($2::timestamptz, GREATEST(statement_timestamp(), last.at + interval '1 us')) AS at
) AS asked
WHERE s.worker_id = $1::bigint
  AND s.ended_at IS NULL
)sql"};

constexpr Statement kInsert = {"work_points.insert", R"sql(
INSERT INTO aquifer.work_points
  (shift_id, worker_id, type, device_id, latitude, longitude, address, recorded_at)
VALUES
  ($1::bigint, $2::bigint, $3::text, $4::text, $5::double precision, $6::double precision,
   $7::text, $8::timestamptz)
RETURNING id
)sql"};

constexpr Statement kRoute = {"work_points.route", "SELECT " AQUIFER_WORK_POINT_COLUMNS R"sql(
FROM aquifer.work_points AS p
WHERE p.shift_id = $1::bigint
ORDER BY p.recorded_at, p.id
LIMIT $2::bigint
)sql"};

constexpr Statement kCount = {"work_points.count", R"sql(
SELECT count(*)
FROM aquifer.work_points AS p
WHERE p.shift_id = $1::bigint
)sql"};

std::optional<double> Given(bool has, double value) {
  return has ? std::optional<double>(value) : std::nullopt;
}

absl::Status NotOnShift(std::int64_t worker_id) {
  return MakeError(Reason::kWorkerNotOnShift,
                   absl::StrCat("worker ", worker_id, " is not on shift"),
                   {{"id", absl::StrCat(worker_id)}});
}

}  // namespace

absl::StatusOr<ShiftUnderWay> FindShiftUnderWay(Session& session, std::int64_t worker_id,
                                                const std::optional<std::string>& instant) {
  const pqxx::result rows = session.Run(kUnderWay, worker_id, instant);
  if (rows.empty()) return NotOnShift(worker_id);
  const Row row(rows[0]);
  ShiftUnderWay found;
  found.shift.set_id(row.Int(0));
  found.shift.set_worker_id(worker_id);
  *found.shift.mutable_started_at() = row.Instant(1);
  found.last_point_at = row.Instant(2);
  found.at = row.Instant(3);
  found.in_future = row.Bool(4);
  return found;
}

std::optional<std::string> InstantOrNull(bool has, const google::protobuf::Timestamp& instant) {
  return has ? std::optional<std::string>(InstantText(instant)) : std::nullopt;
}

void CheckPlace(const v1::Place& place, std::vector<FieldViolation>& violations) {
  if (place.has_latitude() == place.has_longitude()) return;
  violations.push_back({place.has_latitude() ? "place.longitude" : "place.latitude",
                        "must be set where the other coordinate is"});
}

v1::WorkPoint InsertWorkPoint(Session& session, v1::WorkPoint point) {
  const v1::Place& place = point.place();
  const pqxx::result inserted =
      session.Run(kInsert, point.shift_id(), point.worker_id(), EnumText(point.type()),
                  point.device_id(), Given(place.has_latitude(), place.latitude()),
                  Given(place.has_longitude(), place.longitude()), place.address(),
                  InstantText(point.recorded_at()));
  point.set_id(Row(inserted[0]).Int(0));
  return point;
}

google::protobuf::RepeatedPtrField<v1::WorkPoint> RouteOf(Session& session, std::int64_t shift_id) {
  google::protobuf::RepeatedPtrField<v1::WorkPoint> route;
  for (const auto& row : session.Run(kRoute, shift_id, kMostRoutePoints)) {
    WorkPointFrom(Row(row), *route.Add());
  }
  return route;
}

std::int64_t CountPoints(Session& session, std::int64_t shift_id) {
  return Row(session.Run(kCount, shift_id)[0]).Int(0);
}

void WorkPointFrom(const Row& row, v1::WorkPoint& point) {
  point.set_id(row.Int(0));
  point.set_shift_id(row.Int(1));
  point.set_worker_id(row.Int(2));
  point.set_type(EnumFrom<v1::WorkPointType>(row.Text(3)));
  point.set_device_id(row.Text(4));
  if (!row.IsNull(5)) point.mutable_place()->set_latitude(row.Real(5));
  if (!row.IsNull(6)) point.mutable_place()->set_longitude(row.Real(6));
  if (!row.Text(7).empty()) point.mutable_place()->set_address(row.Text(7));
  *point.mutable_recorded_at() = row.Instant(8);
}

StatementList ShiftPointStatements() {
  static constexpr const Statement* kAll[] = {&kUnderWay, &kInsert, &kRoute, &kCount};
  return kAll;
}

}  // namespace aquifer
