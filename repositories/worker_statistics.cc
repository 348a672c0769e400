// What a worker did, and who does not collect.
#include <google/protobuf/util/time_util.h>

#include <string>

#include "repositories/day_limit.h"
#include "repositories/errors.h"
#include "repositories/page.h"
#include "repositories/position.h"
#include "repositories/statements.h"
#include "repositories/worker_access.h"
#include "repositories/worker_repository.h"
#include "repositories/worker_row.h"

namespace aquifer {
namespace {

// Of each shift, what lies within the days $2 to $3. One that has not ended lasts until now.
constexpr Statement kShifts = {"worker_statistics.shifts", R"sql(
SELECT
  count(*),
  COALESCE(sum((EXTRACT(EPOCH FROM
    LEAST(shift.until, ($3::date + 1)::timestamptz)
    - GREATEST(shift.since, $2::date::timestamptz)) * 1000000)::bigint), 0)::bigint
FROM (
  SELECT
    s.started_at AS since,
    COALESCE(s.ended_at, GREATEST(s.started_at, statement_timestamp())) AS until
  FROM aquifer.shifts AS s
  WHERE s.worker_id = $1::bigint
    AND s.started_at < ($3::date + 1)::timestamptz
) AS shift
WHERE shift.until >= $2::date::timestamptz
)sql"};

constexpr Statement kPoints = {"worker_statistics.points", R"sql(
SELECT count(*), count(DISTINCT NULLIF(p.device_id, ''))
FROM aquifer.work_points AS p
WHERE p.worker_id = $1::bigint
  AND p.recorded_at >= $2::date::timestamptz
  AND p.recorded_at < ($3::date + 1)::timestamptz
)sql"};

constexpr Statement kCollections = {"worker_statistics.collections", R"sql(
SELECT
  count(*),
  count(DISTINCT c.device_id),
  (COALESCE(sum(c.banknotes), 0) * 100)::bigint,
  (COALESCE(sum(c.coins), 0) * 100)::bigint,
  (COALESCE(sum(c.total), 0) * 100)::bigint,
  min(c.collected_at), max(c.collected_at)
FROM aquifer.collector_aliases AS a
CROSS JOIN LATERAL (
  SELECT line.device_id, line.collected_at, line.banknotes, line.coins, line.total
  FROM aquifer.collections AS line
  WHERE line.collector = a.collector
    AND line.collected_at >= $2::date::timestamptz
    AND line.collected_at < ($3::date + 1)::timestamptz
  OFFSET 0
) AS c
WHERE a.worker_id = $1::bigint
)sql"};

// The last line of each of a worker's texts is the end of that text's range in its index.
constexpr Statement kInactive = {"workers.list_inactive", "SELECT " AQUIFER_WORKER_COLUMNS
                                                          ", latest.collected_at"
                                                          R"sql(
FROM aquifer.workers AS w
)sql" AQUIFER_WORKER_SHIFT R"sql(
CROSS JOIN LATERAL (
  SELECT max(line.collected_at) AS collected_at
  FROM aquifer.collector_aliases AS a
  CROSS JOIN LATERAL (
    SELECT c.collected_at
    FROM aquifer.collections AS c
    WHERE c.collector = a.collector
    ORDER BY c.collected_at DESC
    LIMIT 1
  ) AS line
  WHERE a.worker_id = w.id
) AS latest
WHERE w.id > $1::bigint
  AND w.employed
  AND w.deleted_at IS NULL
  AND (latest.collected_at IS NULL OR latest.collected_at < $2::date::timestamptz)
ORDER BY w.id
LIMIT $3::bigint
)sql"};

}  // namespace

absl::StatusOr<v1::GetWorkerStatisticsResponse> WorkerRepository::GetWorkerStatistics(
    const v1::GetWorkerStatisticsRequest& request) {
  if (const auto violation = CheckDayCount(request.days())) return InvalidFields({*violation});
  auto worker = ReadWorker(session_, request.worker_id());
  if (!worker.ok()) return worker.status();
  const std::string first = DayText(request.days().first());
  const std::string last = DayText(request.days().last());

  const pqxx::result shifts = session_.Run(kShifts, request.worker_id(), first, last);
  const pqxx::result points = session_.Run(kPoints, request.worker_id(), first, last);
  const pqxx::result collections = session_.Run(kCollections, request.worker_id(), first, last);
  const Row collected(collections[0]);
  v1::GetWorkerStatisticsResponse response;
  *response.mutable_worker() = *std::move(worker);
  response.set_shifts(Row(shifts[0]).Int(0));
  *response.mutable_time_on_shift() =
      google::protobuf::util::TimeUtil::MicrosecondsToDuration(Row(shifts[0]).Int(1));
  response.set_points(Row(points[0]).Int(0));
  response.set_devices_visited(Row(points[0]).Int(1));
  response.set_collection_lines(collected.Int(0));
  response.set_devices_collected(collected.Int(1));
  response.set_banknotes_minor(collected.Int(2));
  response.set_coins_minor(collected.Int(3));
  response.set_total_minor(collected.Int(4));
  if (!collected.IsNull(5)) *response.mutable_first_collected_at() = collected.Instant(5);
  if (!collected.IsNull(6)) *response.mutable_last_collected_at() = collected.Instant(6);
  return response;
}

absl::StatusOr<v1::ListInactiveCollectorsResponse> WorkerRepository::ListInactiveCollectors(
    const v1::ListInactiveCollectorsRequest& request) {
  const auto after = DecodeIdPosition(request, request.page_token());
  if (!after.ok()) return after.status();
  const int size = PageSize(request.page_size());

  // The one beyond tells that there is a next page.
  const pqxx::result rows = session_.Run(kInactive, *after, DayText(request.since()), size + 1);
  v1::ListInactiveCollectorsResponse response;
  for (const auto& fields : rows) {
    if (response.collectors_size() == size) {
      const auto last = response.collectors(size - 1).worker().id();
      response.set_next_page_token(EncodeIdPosition(request, last));
      break;
    }
    const Row row(fields);
    v1::InactiveCollector& collector = *response.add_collectors();
    WorkerFrom(row, *collector.mutable_worker());
    if (!row.IsNull(kWorkerColumns)) {
      *collector.mutable_last_collected_at() = row.Instant(kWorkerColumns);
    }
  }
  return response;
}

StatementList WorkerStatisticsStatements() {
  static constexpr const Statement* kAll[] = {&kShifts, &kPoints, &kCollections, &kInactive};
  return kAll;
}

}  // namespace aquifer
