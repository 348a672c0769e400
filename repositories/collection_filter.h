// A CollectionFilter as bound parameters: one set of SQL conditions for every statement that
// selects lines, and one choice of the index that serves it.
//
// A statement's text never changes, and PostgreSQL may plan it once for all parameters. One text
// for every filter would then be planned for none, so a filtered method has one named statement an
// access path, and AccessPathOf picks among them. Each text has its path's condition in the form
// its index takes; whatever else the filter sets is checked on the rows found.
//
// Parameters $1 to $9 are the filter's, in the order RunFiltered binds them; a statement's own
// begin with $10. Every statement below names its lines `c`.
#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>

#include "aquifer/v1/collection.pb.h"
#include "repositories/session.h"

// The filter's time as a half-open range of instants. A day begins at its civil midnight, so that
// a change-over day is as long as it is.
#define AQUIFER_FILTER_START "COALESCE($1::date::timestamptz, $3::timestamptz, '-infinity')"
#define AQUIFER_FILTER_END "COALESCE(($2::date + 1)::timestamptz, $4::timestamptz, 'infinity')"

#define AQUIFER_FILTER_TIME \
  "c.collected_at >= " AQUIFER_FILTER_START " AND c.collected_at < " AQUIFER_FILTER_END " "

// Checked on rows, not looked up. Within an OR a sub-select is run once and becomes a hash table,
// where `= ANY` of a parameter compares each row with each element.
#define AQUIFER_FILTER_DEVICES "($5::text[] IS NULL OR c.device_id IN (SELECT unnest($5::text[]))) "
#define AQUIFER_FILTER_COLLECTORS                                       \
  "($6::text[] IS NULL OR c.collector IN (SELECT unnest($6::text[]))) " \
  "AND ($7::bigint[] IS NULL OR c.collector IN ("                       \
  "SELECT f.collector FROM aquifer.collector_aliases AS f "             \
  "WHERE f.worker_id = ANY($7::bigint[]))) "
#define AQUIFER_FILTER_TOTALS                                       \
  "($8::bigint IS NULL OR c.total >= (SELECT $8::bigint / 100.0)) " \
  "AND ($9::bigint IS NULL OR c.total <= (SELECT $9::bigint / 100.0)) "

// In the place of all three where the range is all the filter asks for: looked at once, not a row,
// and it keeps the parameters in the statement.
#define AQUIFER_FILTER_RANGE_ALONE                                      \
  "$5::text[] IS NULL AND $6::text[] IS NULL AND $7::bigint[] IS NULL " \
  "AND $8::bigint IS NULL AND $9::bigint IS NULL "

// The collector texts of a filter that names collectors or workers, as a sub-select. Where it names
// both, AQUIFER_FILTER_COLLECTORS still has to check the rows.
#define AQUIFER_FILTER_COLLECTOR_TEXTS                      \
  "SELECT unnest($6::text[]) AS collector "                 \
  "UNION "                                                  \
  "SELECT f.collector FROM aquifer.collector_aliases AS f " \
  "WHERE $6::text[] IS NULL AND f.worker_id = ANY($7::bigint[])"

// The whole condition, for a statement of each access path.
#define AQUIFER_FILTER_BY_TIME \
  AQUIFER_FILTER_TIME          \
  "AND " AQUIFER_FILTER_DEVICES "AND " AQUIFER_FILTER_COLLECTORS "AND " AQUIFER_FILTER_TOTALS
#define AQUIFER_FILTER_BY_DEVICE   \
  "c.device_id = ANY($5::text[]) " \
  "AND " AQUIFER_FILTER_TIME "AND " AQUIFER_FILTER_COLLECTORS "AND " AQUIFER_FILTER_TOTALS
#define AQUIFER_FILTER_BY_COLLECTOR                                                         \
  "c.collector = ANY(ARRAY(" AQUIFER_FILTER_COLLECTOR_TEXTS                                 \
  ")) "                                                                                     \
  "AND " AQUIFER_FILTER_TIME "AND " AQUIFER_FILTER_DEVICES "AND " AQUIFER_FILTER_COLLECTORS \
  "AND " AQUIFER_FILTER_TOTALS

namespace aquifer {

// A filter's values as they are bound; NULL where it does not ask.
struct FilterParameters {
  explicit FilterParameters(const v1::CollectionFilter& filter);

  std::optional<std::string> first_day;
  std::optional<std::string> last_day;
  std::optional<std::string> start;
  std::optional<std::string> end;
  std::optional<std::string> device_ids;
  std::optional<std::string> collectors;
  std::optional<std::string> worker_ids;
  std::optional<std::int64_t> min_total_minor;
  std::optional<std::int64_t> max_total_minor;
};

// Which index finds a filter's lines.
enum class AccessPath {
  // collections_by_time: the range, with conditions no index serves better.
  kTime,
  // collections_by_time: the range alone.
  kTimeAlone,
  // collections_key: devices, and time within each.
  kDevice,
  // collections_by_collector: collectors' texts, and time within each.
  kCollector,
};

// The path for `filter`, where it reads up to `lines` of each device or collector it names: few
// named devices are looked up, a great many are cheaper found in passing along time.
AccessPath AccessPathOf(const v1::CollectionFilter& filter, std::int64_t lines = 1);

// The statements of one method, one an access path.
struct FilteredStatement {
  const Statement& by_time;
  const Statement& by_device;
  const Statement& by_collector;
  // by_time, unless there is one that checks nothing else.
  const Statement& by_time_alone;

  const Statement& On(AccessPath path) const;
};

// Runs `statement` with the filter as $1 to $9 and `args` from $10.
template <typename... Args>
pqxx::result RunFiltered(Session& session, const Statement& statement,
                         const FilterParameters& filter, const Args&... args) {
  return session.Run(statement, filter.first_day, filter.last_day, filter.start, filter.end,
                     filter.device_ids, filter.collectors, filter.worker_ids,
                     filter.min_total_minor, filter.max_total_minor, args...);
}

}  // namespace aquifer
