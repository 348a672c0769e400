// What the fetch ledger says of whole ranges: how much there is of each day, and what is missing.
#include <absl/strings/str_cat.h>

#include <optional>
#include <string>
#include <vector>

#include "repositories/array.h"
#include "repositories/collection_repository.h"
#include "repositories/day_limit.h"
#include "repositories/errors.h"
#include "repositories/fetch_state.h"
#include "repositories/page.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// clang-format off
// Each day of $1 to $2 on its own: a day is a short range of an index, however long the history,
// and no more than a day's devices are kept in mind at once.
#define AQUIFER_AVAILABILITY(of_lines, of_outcomes)                                           \
  "SELECT "                                                                                   \
    "d.day::text, l.lines, l.devices, (l.total * 100)::bigint, f.ok, f.empty, f.failed "      \
  "FROM ("                                                                                    \
    "SELECT $1::date + n AS day FROM generate_series(0, $2::date - $1::date) AS n) AS d "     \
  "CROSS JOIN LATERAL ("                                                                      \
    "SELECT "                                                                                 \
      "count(*) AS lines, "                                                                   \
      "count(DISTINCT c.device_id) AS devices, "                                              \
      "COALESCE(sum(c.banknotes) + sum(c.coins), 0) AS total "                                \
    "FROM aquifer.collections AS c "                                                          \
    "WHERE c.collected_at >= d.day::timestamptz "                                             \
    "AND c.collected_at < (d.day + 1)::timestamptz "                                          \
    of_lines                                                                                  \
  ") AS l "                                                                                   \
  "CROSS JOIN LATERAL ("                                                                      \
    "SELECT "                                                                                 \
      "count(*) FILTER (WHERE o.state = 'ok') AS ok, "                                        \
      "count(*) FILTER (WHERE o.state = 'empty') AS empty, "                                  \
      "count(*) FILTER (WHERE o.state = 'failed') AS failed "                                 \
    "FROM aquifer.fetch_outcomes AS o "                                                       \
    "WHERE o.day = d.day "                                                                    \
    of_outcomes                                                                               \
  ") AS f "                                                                                   \
  "ORDER BY d.day"
// clang-format on

constexpr Statement kAvailability = {"collections.data_availability", AQUIFER_AVAILABILITY("", "")};
constexpr Statement kAvailabilityOfDevices = {
    "collections.data_availability_of_devices",
    AQUIFER_AVAILABILITY("AND c.device_id = ANY($3::text[]) ",
                         "AND o.device_id = ANY($3::text[]) ")};

// The missing device-days of $1 to $2 at the devices $3 (NULL: every known one) in the states $4,
// after device $6 of day $5 (NULL: from the beginning), at most $7.
//
// What is on all pages is counted from the ledger's rows alone: a device-day without one was never
// fetched. The counts of each day then tell which days the page comes from, and only those are
// matched with the devices: the first, which the last page may have left in its middle, and as
// many more as fill the page. The counts come with every row, and in a row of their own without
// a day if the page is empty.
constexpr Statement kFindMissing = {"collections.find_missing", R"sql(
WITH wanted AS MATERIALIZED (
  SELECT d.device_id
  FROM aquifer.devices AS d
  WHERE $3::text[] IS NULL
  UNION
  SELECT unnest($3::text[])
), ledger AS (
  SELECT
    o.day,
    count(*) AS known,
    count(*) FILTER (WHERE o.state = 'failed') AS failed,
    count(*) FILTER (WHERE o.state = 'empty') AS empty
  FROM aquifer.fetch_outcomes AS o
  JOIN wanted AS w ON w.device_id = o.device_id
  WHERE o.day BETWEEN $1::date AND $2::date
  GROUP BY o.day
), counted AS MATERIALIZED (
  SELECT
    d.day,
    CASE WHEN 'never' = ANY($4::text[])
      THEN (SELECT count(*) FROM wanted) - COALESCE(l.known, 0) ELSE 0 END AS never,
    CASE WHEN 'failed' = ANY($4::text[]) THEN COALESCE(l.failed, 0) ELSE 0 END AS failed,
    CASE WHEN 'empty' = ANY($4::text[]) THEN COALESCE(l.empty, 0) ELSE 0 END AS empty
  FROM (SELECT $1::date + n AS day FROM generate_series(0, $2::date - $1::date) AS n) AS d
  LEFT JOIN ledger AS l ON l.day = d.day
), ahead AS (
  SELECT
    c.day,
    sum(CASE WHEN $5::date IS NULL OR c.day > $5::date THEN c.never + c.failed + c.empty END) OVER (
      ORDER BY c.day
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS before
  FROM counted AS c
  WHERE c.day >= COALESCE($5::date, $1::date)
    AND c.never + c.failed + c.empty > 0
), page AS (
  SELECT a.day, m.device_id, m.state, m.attempts, m.error, m.recorded_at
  FROM ahead AS a
  CROSS JOIN LATERAL (
    SELECT
      w.device_id,
      COALESCE(o.state, 'never') AS state,
      o.attempts,
      o.error,
      o.recorded_at
    FROM wanted AS w
    LEFT JOIN aquifer.fetch_outcomes AS o ON o.day = a.day AND o.device_id = w.device_id
    WHERE COALESCE(o.state, 'never') = ANY($4::text[])
      AND ($5::date IS NULL OR a.day > $5::date OR w.device_id > $6::text)
    ORDER BY w.device_id
    LIMIT $7::bigint
  ) AS m
  WHERE COALESCE(a.before, 0) < $7::bigint
  ORDER BY a.day, m.device_id
  LIMIT $7::bigint
)
SELECT
  t.never, t.failed, t.empty,
  p.day::text, p.device_id, p.state, COALESCE(p.attempts, 0), COALESCE(p.error, ''),
  p.recorded_at
FROM (
  SELECT
    sum(c.never)::bigint AS never, sum(c.failed)::bigint AS failed, sum(c.empty)::bigint AS empty
  FROM counted AS c
) AS t
LEFT JOIN page AS p ON true
ORDER BY p.day, p.device_id
)sql"};

// The states asked for, as the statement names them.
absl::StatusOr<std::string> StatesOf(const v1::FindMissingRequest& request) {
  std::vector<FieldViolation> violations;
  if (auto violation = CheckDayCount(request.days())) violations.push_back(*std::move(violation));
  ArrayParameter states;
  for (int i = 0; i < request.states_size(); ++i) {
    switch (request.states(i)) {
      case v1::FETCH_STATE_NEVER:
      case v1::FETCH_STATE_FAILED:
      case v1::FETCH_STATE_EMPTY:
        states.Add(FetchStateText(request.states(i)));
        break;
      default:
        violations.push_back({absl::StrCat("states[", i, "]"), "must be NEVER, FAILED or EMPTY"});
    }
  }
  if (!violations.empty()) return InvalidFields(violations);
  if (states.empty()) return std::string("{never,failed,empty}");
  return states.Text();
}

void MissingFrom(const Row& row, v1::MissingDeviceDay& missing) {
  *missing.mutable_day() = row.Day(3);
  missing.set_device_id(row.Text(4));
  missing.set_state(FetchStateFrom(row.Text(5)));
  missing.set_attempts(static_cast<std::int32_t>(row.Int(6)));
  missing.set_error(row.Text(7));
  if (!row.IsNull(8)) *missing.mutable_recorded_at() = row.Instant(8);
}

// The device-day a page begins after.
struct Position {
  std::optional<std::string> day;
  std::string device_id;
};

absl::StatusOr<Position> PositionOf(const v1::FindMissingRequest& request) {
  const auto keys = DecodePageToken(request, request.page_token(), 2);
  if (!keys.ok()) return keys.status();
  if (!keys->has_value()) return Position{};
  absl::CivilDay day;
  if (!absl::ParseCivilTime((**keys)[0], &day)) return PageTokenMismatch();
  return Position{(**keys)[0], (**keys)[1]};
}

}  // namespace

absl::StatusOr<v1::GetDataAvailabilityResponse> CollectionRepository::GetDataAvailability(
    const v1::GetDataAvailabilityRequest& request) {
  if (const auto violation = CheckDayCount(request.days())) return InvalidFields({*violation});
  const std::string first = DayText(request.days().first());
  const std::string last = DayText(request.days().last());

  const pqxx::result rows =
      request.device_ids().empty()
          ? session_.Run(kAvailability, first, last)
          : session_.Run(kAvailabilityOfDevices, first, last, ArrayOf(request.device_ids()));
  v1::GetDataAvailabilityResponse response;
  for (const auto& tuple : rows) {
    const Row row(tuple);
    v1::DayAvailability& day = *response.add_days();
    *day.mutable_day() = row.Day(0);
    day.set_lines(row.Int(1));
    day.set_devices(row.Int(2));
    day.set_total_minor(row.Int(3));
    day.set_fetched_ok(row.Int(4));
    day.set_fetched_empty(row.Int(5));
    day.set_fetch_failed(row.Int(6));
  }
  return response;
}

absl::StatusOr<v1::FindMissingResponse> CollectionRepository::FindMissing(
    const v1::FindMissingRequest& request) {
  const auto states = StatesOf(request);
  if (!states.ok()) return states.status();
  const auto after = PositionOf(request);
  if (!after.ok()) return after.status();
  const int size = PageSize(request.page_size());

  // The one beyond tells that there is a next page.
  const pqxx::result rows = session_.Run(
      kFindMissing, DayText(request.days().first()), DayText(request.days().last()),
      ArrayOrNull(request.device_ids()), *states, after->day, after->device_id, size + 1);
  v1::FindMissingResponse response;
  const Row counts(rows[0]);
  response.set_never_fetched(counts.Int(0));
  response.set_failed(counts.Int(1));
  response.set_empty(counts.Int(2));
  for (const auto& tuple : rows) {
    const Row row(tuple);
    if (row.IsNull(3)) break;
    if (response.missing_size() == size) {
      const v1::MissingDeviceDay& last = response.missing(size - 1);
      response.set_next_page_token(
          EncodePageToken(request, {DayText(last.day()), last.device_id()}));
      break;
    }
    MissingFrom(row, *response.add_missing());
  }
  return response;
}

StatementList FetchCompletenessStatements() {
  static constexpr const Statement* kAll[] = {&kAvailability, &kAvailabilityOfDevices,
                                              &kFindMissing};
  return kAll;
}

}  // namespace aquifer
