#include "repositories/collection_rollup.h"

#include "repositories/array.h"
#include "repositories/collection_rollup_sql.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

constexpr Statement kAdoptZone = {"rollup.adopt_zone", R"sql(
WITH adopted AS (
  UPDATE aquifer.rollup_zone
  SET zone = current_setting('TimeZone')
  WHERE zone <> current_setting('TimeZone')
  RETURNING zone
)
SELECT count(*) FROM adopted
)sql"};

constexpr Statement kMarkAll = {"rollup.mark_all", R"sql(
SELECT aquifer.mark_all_hours()
)sql"};

constexpr Statement kClaim = {"rollup.claim", R"sql(
UPDATE aquifer.rollup_changes
SET claim = pg_current_xact_id()::text::bigint
WHERE claim = 0 AND isfinite(hour) AND hour::date <> current_date
  AND marked_at <= now() - make_interval(secs => $1::bigint)
)sql"};

// Those that write lines, or have written some: each took this lock before it looked for a mark,
// and keeps it to its end.
#define AQUIFER_WRITERS                                       \
  "SELECT lock.virtualtransaction "                           \
  "FROM pg_catalog.pg_locks AS lock "                         \
  "WHERE lock.relation = 'aquifer.rollup_changes'::regclass " \
  "AND lock.mode = 'RowExclusiveLock'"

constexpr Statement kFence = {"rollup.fence", R"sql(
UPDATE aquifer.rollup_changes
SET fence = ARRAY()sql" AQUIFER_WRITERS R"sql( AND lock.pid <> pg_backend_pid())
WHERE claim <> 0 AND fence IS NULL
)sql"};

constexpr Statement kLock = {"rollup.lock", R"sql(
SELECT pg_try_advisory_xact_lock(hashtextextended('aquifer.rollup', 0))
)sql"};

// Drops the claims of the first days, up to $1 of them, that wait for nobody; answers their days.
constexpr Statement kTake = {"rollup.take", R"sql(
WITH writers AS MATERIALIZED (
  SELECT ARRAY()sql" AQUIFER_WRITERS R"sql() AS open
), free AS MATERIALIZED (
  SELECT change.ctid AS place, change.hour
  FROM aquifer.rollup_changes AS change, writers
  WHERE NOT change.fence && writers.open
), last AS (
  SELECT max(day) AS day
  FROM (SELECT DISTINCT hour::date AS day FROM free ORDER BY day LIMIT $1::integer) AS first
), mark AS (
  DELETE FROM aquifer.rollup_changes AS change
  USING free, last
  WHERE change.ctid = free.place AND free.hour::date <= last.day
  RETURNING change.hour
)
)sql" AQUIFER_MARKED_DAYS("mark")};

#define AQUIFER_GIVEN_DAYS "(SELECT unnest($1::date[]) AS day)"

constexpr Statement kNameDevices = {"rollup.name_devices", R"sql(
INSERT INTO aquifer.rollup_devices (device_id)
SELECT DISTINCT line.device_id
FROM ()sql" AQUIFER_LINES_OF_DAYS(AQUIFER_GIVEN_DAYS) R"sql() AS line
WHERE NOT EXISTS (
  SELECT FROM aquifer.rollup_devices AS named WHERE named.device_id = line.device_id)
)sql"};

constexpr Statement kNameCollectors = {"rollup.name_collectors", R"sql(
INSERT INTO aquifer.rollup_collectors (collector)
SELECT DISTINCT line.collector
FROM ()sql" AQUIFER_LINES_OF_DAYS(AQUIFER_GIVEN_DAYS) R"sql() AS line
WHERE NOT EXISTS (
  SELECT FROM aquifer.rollup_collectors AS named WHERE named.collector = line.collector)
)sql"};

constexpr Statement kDropCells = {"rollup.drop_cells", R"sql(
DELETE FROM aquifer.rollup_cells WHERE day = ANY($1::date[])
)sql"};

constexpr Statement kSumCells = {"rollup.sum_cells", R"sql(
INSERT INTO aquifer.rollup_cells (
  day, device, collector, lines, visits, banknotes_minor, coins_minor, first_at, last_at)
SELECT
  line.day, device.number, collector.number, sum(line.lines), sum(line.visits),
  aquifer.sum_minor(line.banknotes), aquifer.sum_minor(line.coins),
  min(line.collected_at), max(line.collected_at)
FROM ()sql" AQUIFER_LINES_OF_DAYS(AQUIFER_GIVEN_DAYS) R"sql() AS line
JOIN aquifer.rollup_devices AS device ON device.device_id = line.device_id
JOIN aquifer.rollup_collectors AS collector ON collector.collector = line.collector
GROUP BY line.day, device.number, collector.number
ORDER BY line.day, device.number, collector.number
)sql"};

constexpr Statement kDropDays = {"rollup.drop_days", R"sql(
DELETE FROM aquifer.rollup_days WHERE day = ANY($1::date[])
)sql"};

constexpr Statement kSumDays = {"rollup.sum_days", R"sql(
INSERT INTO aquifer.rollup_days (
  day, lines, visits, devices, collectors, banknotes_minor, coins_minor, first_at, last_at)
SELECT
  cell.day, sum(cell.lines), sum(cell.visits), count(DISTINCT cell.device),
  array_agg(DISTINCT cell.collector), aquifer.sum_minor(cell.banknotes_minor),
  aquifer.sum_minor(cell.coins_minor), min(cell.first_at), max(cell.last_at)
FROM aquifer.rollup_cells AS cell
WHERE cell.day = ANY($1::date[])
GROUP BY cell.day
)sql"};

constexpr Statement kCount = {"rollup.count", R"sql(
WITH marked AS MATERIALIZED ()sql" AQUIFER_MARKED_DAYS("aquifer.rollup_changes") R"sql()
SELECT
  (SELECT count(*)
   FROM aquifer.rollup_days AS summed
   WHERE NOT EXISTS (SELECT FROM marked WHERE marked.day = summed.day)),
  (SELECT count(*) FROM marked WHERE marked.day <> current_date AND isfinite(marked.day))
)sql"};

// Days are not shorter than 23 hours: hopping on by one finds each day that has lines.
constexpr Statement kWrong = {"rollup.find_wrong", R"sql(
WITH RECURSIVE used (day) AS (
  SELECT (SELECT min(line.collected_at)::date FROM aquifer.collections AS line)
  UNION ALL
  SELECT (
    SELECT min(line.collected_at)::date
    FROM aquifer.collections AS line
    WHERE line.collected_at >= (used.day + 1)::timestamptz)
  FROM used
  WHERE used.day IS NOT NULL
), marked AS MATERIALIZED ()sql" AQUIFER_MARKED_DAYS("aquifer.rollup_changes") R"sql(
), trusted AS MATERIALIZED (
  SELECT used.day FROM used WHERE used.day NOT IN (SELECT marked.day FROM marked)
  UNION
  SELECT cell.day
  FROM aquifer.rollup_cells AS cell
  WHERE cell.day NOT IN (SELECT marked.day FROM marked)
), summed AS (
  SELECT
    cell.day, device.device_id, named.collector, cell.lines::bigint, cell.visits::bigint,
    cell.banknotes_minor, cell.coins_minor, cell.first_at, cell.last_at
  FROM aquifer.rollup_cells AS cell
  JOIN aquifer.rollup_devices AS device ON device.number = cell.device
  JOIN aquifer.rollup_collectors AS named ON named.number = cell.collector
  WHERE cell.day IN (SELECT trusted.day FROM trusted)
), counted AS (
  SELECT
    line.day, line.device_id, line.collector, sum(line.lines), sum(line.visits),
    aquifer.sum_minor(line.banknotes), aquifer.sum_minor(line.coins), min(line.collected_at),
    max(line.collected_at)
  FROM ()sql" AQUIFER_LINES_OF_DAYS("trusted") R"sql() AS line
  GROUP BY line.day, line.device_id, line.collector
), by_day AS (
  SELECT
    summed.day, sum(summed.lines)::bigint AS lines, sum(summed.visits)::bigint AS visits,
    count(DISTINCT summed.device_id) AS devices,
    aquifer.sum_minor(summed.banknotes_minor) AS banknotes_minor,
    aquifer.sum_minor(summed.coins_minor) AS coins_minor,
    min(summed.first_at) AS first_at, max(summed.last_at) AS last_at
  FROM summed
  GROUP BY summed.day
), kept AS (
  SELECT
    d.day, d.lines, d.visits, d.devices, d.banknotes_minor, d.coins_minor, d.first_at, d.last_at
  FROM aquifer.rollup_days AS d
  WHERE d.day NOT IN (SELECT marked.day FROM marked)
)
SELECT DISTINCT wrong.day
FROM (
  SELECT day FROM (TABLE summed EXCEPT TABLE counted) AS extra
  UNION ALL
  SELECT day FROM (TABLE counted EXCEPT TABLE summed) AS missing
  UNION ALL
  SELECT day FROM (TABLE by_day EXCEPT TABLE kept) AS unkept
  UNION ALL
  SELECT day FROM (TABLE kept EXCEPT TABLE by_day) AS stray
) AS wrong
ORDER BY wrong.day
LIMIT $1::integer
)sql"};

}  // namespace

void CollectionRollup::AdoptZone() {
  const pqxx::result adopted = session_.Run(kAdoptZone);
  if (Row(adopted[0]).Int(0) > 0) MarkAll();
}

void CollectionRollup::MarkAll() { session_.Run(kMarkAll); }

void CollectionRollup::Claim(absl::Duration settled) {
  session_.Run(kClaim, absl::ToInt64Seconds(settled));
}

void CollectionRollup::Fence() { session_.Run(kFence); }

int CollectionRollup::Sum() {
  const pqxx::result locked = session_.Run(kLock);
  if (!Row(locked[0]).Bool(0)) return 0;
  ArrayParameter days;
  const pqxx::result taken = session_.Run(kTake, kDaysPerSum);
  for (const auto& fields : taken) days.Add(Row(fields).Text(0));
  if (taken.empty()) return 0;
  for (const Statement* step :
       {&kNameDevices, &kNameCollectors, &kDropCells, &kSumCells, &kDropDays, &kSumDays}) {
    session_.Run(*step, days.Text());
  }
  return static_cast<int>(taken.size());
}

CollectionRollup::Days CollectionRollup::Count() {
  const pqxx::result counted = session_.Run(kCount);
  const Row row(counted[0]);
  return {.summed = row.Int(0), .waiting = row.Int(1)};
}

std::vector<std::string> CollectionRollup::FindWrong(int most) {
  std::vector<std::string> days;
  for (const auto& fields : session_.Run(kWrong, most)) days.push_back(Row(fields).Text(0));
  return days;
}

StatementList CollectionRollupStatements() {
  static constexpr const Statement* kAll[] = {
      &kAdoptZone,      &kMarkAll,   &kClaim,    &kFence,    &kLock,    &kTake,  &kNameDevices,
      &kNameCollectors, &kDropCells, &kSumCells, &kDropDays, &kSumDays, &kCount, &kWrong};
  return kAll;
}

}  // namespace aquifer
