// What starting, ending and recording share: the shift under way, and its points.
#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/repeated_field.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aquifer/v1/worker.pb.h"
#include "repositories/errors.h"
#include "repositories/row.h"
#include "repositories/session.h"

// Whether an instant that a caller gave is later than its clock may be ahead of ours.
#define AQUIFER_IN_FUTURE(instant) \
  "COALESCE(" instant " > statement_timestamp() + interval '5 minutes', false)"

namespace aquifer {

// A worker's shift under way, and the instant of what is to be recorded in it.
struct ShiftUnderWay {
  v1::Shift shift;
  google::protobuf::Timestamp last_point_at;
  // The instant asked for. Where none was, now; or after the last point, should that have come from
  // a clock ahead of ours.
  google::protobuf::Timestamp at;
  bool in_future = false;
};

// FAILED_PRECONDITION (WORKER_NOT_ON_SHIFT). The caller has locked the worker. `instant` is bound
// with ::timestamptz, NULL for now.
absl::StatusOr<ShiftUnderWay> FindShiftUnderWay(Session& session, std::int64_t worker_id,
                                                const std::optional<std::string>& instant);

// An instant that a request need not have, as a parameter.
std::optional<std::string> InstantOrNull(bool has, const google::protobuf::Timestamp& instant);

// What the rules of single fields cannot say about a request's `place`.
void CheckPlace(const v1::Place& place, std::vector<FieldViolation>& violations);

// Stores a point and answers it with its id.
v1::WorkPoint InsertWorkPoint(Session& session, v1::WorkPoint point);

// A shift's points in order, the first 1,000.
google::protobuf::RepeatedPtrField<v1::WorkPoint> RouteOf(Session& session, std::int64_t shift_id);
// How many it has.
std::int64_t CountPoints(Session& session, std::int64_t shift_id);

// The columns of a point `p`, in the order WorkPointFrom reads.
#define AQUIFER_WORK_POINT_COLUMNS                                                \
  "p.id, p.shift_id, p.worker_id, p.type, p.device_id, p.latitude, p.longitude, " \
  "p.address, p.recorded_at"

void WorkPointFrom(const Row& row, v1::WorkPoint& point);

}  // namespace aquifer
