// SummarizeCollections from the rollup (collection_rollup.h): its sums for the days that have no
// mark, the lines of those that have.
#include "repositories/collection_rollup_sql.h"
#include "repositories/collection_summary_answer.h"
#include "repositories/collection_summary_sql.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// clang-format off
#define AQUIFER_FILTER_FIRST_DAY "COALESCE($1::date, '-infinity') "
#define AQUIFER_FILTER_LAST_DAY "COALESCE($2::date, 'infinity') "
#define AQUIFER_DAY_IS_IN_FILTER(day)                                                         \
  day " >= " AQUIFER_FILTER_FIRST_DAY "AND " day " <= " AQUIFER_FILTER_LAST_DAY

#define AQUIFER_MARKED_DAYS_IN_FILTER                                                         \
  "SELECT marked.day FROM ("                                                                  \
    AQUIFER_MARKED_DAYS("aquifer.rollup_changes")                                             \
  ") AS marked WHERE " AQUIFER_DAY_IS_IN_FILTER("marked.day")

// What both statements begin with.
//   stale   the days whose lines are read, and
//   line    these lines
//   device  every device's number; one that no sum knows yet gets a negative one
//   named   every collector's text and number, likewise; `identity` is the least number among the
//           texts of one worker, NULL for no text
#define AQUIFER_ROLLUP_SOURCES                                                                \
  "WITH stale AS MATERIALIZED ("                                                              \
    AQUIFER_MARKED_DAYS_IN_FILTER                                                             \
    /* What the filter cannot have here, so that each parameter has its type. */              \
    "AND $3::timestamptz IS NULL AND $4::timestamptz IS NULL "                                \
    "AND $8::bigint IS NULL AND $9::bigint IS NULL"                                           \
  "), line AS MATERIALIZED ("                                                                 \
    AQUIFER_LINES_OF_DAYS("stale")                                                            \
  "), device AS MATERIALIZED ("                                                               \
    "SELECT d.number, d.device_id FROM aquifer.rollup_devices AS d "                          \
    "UNION ALL "                                                                              \
    "SELECT -row_number() OVER (), fresh.device_id "                                          \
    "FROM ("                                                                                  \
      "SELECT DISTINCT line.device_id FROM line "                                             \
      "WHERE NOT EXISTS ("                                                                    \
        "SELECT FROM aquifer.rollup_devices AS d WHERE d.device_id = line.device_id)"         \
    ") AS fresh"                                                                              \
  "), named AS MATERIALIZED ("                                                                \
    "SELECT "                                                                                 \
      "c.number, c.collector, a.worker_id, "                                                  \
      "CASE WHEN c.collector <> '' THEN "                                                     \
        "min(c.number) OVER ("                                                                \
          "PARTITION BY a.worker_id, CASE WHEN a.worker_id IS NULL THEN c.collector END) "    \
      "END AS identity, "                                                                     \
      AQUIFER_FILTER_COLLECTORS "AS selected "                                                \
    "FROM ("                                                                                  \
      "SELECT k.number, k.collector FROM aquifer.rollup_collectors AS k "                     \
      "UNION ALL "                                                                            \
      "SELECT -row_number() OVER (), fresh.collector "                                        \
      "FROM ("                                                                                \
        "SELECT DISTINCT line.collector FROM line "                                           \
        "WHERE NOT EXISTS ("                                                                  \
          "SELECT FROM aquifer.rollup_collectors AS k WHERE k.collector = line.collector)"    \
      ") AS fresh"                                                                            \
    ") AS c "                                                                                 \
    "LEFT JOIN aquifer.collector_aliases AS a ON a.collector = c.collector"                   \
  "), "

#define AQUIFER_IS_SUMMED(of)                                                                 \
  AQUIFER_DAY_IS_IN_FILTER(of ".day")                                                         \
  "AND " of ".day <> ALL (ARRAY(SELECT stale.day FROM stale)) "

#define AQUIFER_SUMMED(of)                                                                    \
  "aquifer.sum_minor(" of ".lines) AS lines, "                                                \
  "aquifer.sum_minor(" of ".visits) AS visits, "                                              \
  "aquifer.sum_minor(" of ".banknotes) AS banknotes, "                                        \
  "aquifer.sum_minor(" of ".coins) AS coins, "                                                \
  "min(" of ".first_at) AS first_at, "                                                        \
  "max(" of ".last_at) AS last_at "

// Groups are made by number, and get their names once they are few. Each of their joins is off
// where the grouping does not ask for it: it would compare every group with every name.
constexpr Statement kCells = {"collections.summarize_cells",
  AQUIFER_ROLLUP_SOURCES
  "cell AS MATERIALIZED ("
    "SELECT "
      AQUIFER_PERIOD("c.day") "AS period, "
      "c.device::bigint AS device, n.identity, "
      "c.lines::bigint AS lines, c.visits::bigint AS visits, "
      "c.banknotes_minor AS banknotes, c.coins_minor AS coins, c.first_at, c.last_at "
    "FROM aquifer.rollup_cells AS c "
    "JOIN named AS n ON n.number = c.collector "
    "WHERE " AQUIFER_IS_SUMMED("c")
    "AND n.selected "
    "AND ($5::text[] IS NULL OR c.device IN ("
      "SELECT d.number FROM aquifer.rollup_devices AS d WHERE d.device_id = ANY($5::text[]))) "
    "UNION ALL "
    "SELECT "
      AQUIFER_PERIOD("c.day") ", "
      "d.number, n.identity, c.lines, c.visits, c.banknotes, c.coins, "
      "c.collected_at, c.collected_at "
    "FROM line AS c "
    "JOIN device AS d ON d.device_id = c.device_id "
    "JOIN named AS n ON n.collector = c.collector "
    "WHERE n.selected "
    "AND " AQUIFER_FILTER_DEVICES
  "), numbered AS MATERIALIZED ("
    "SELECT "
      "c.period, "
      "CASE WHEN $11::boolean THEN c.device END AS device, "
      "CASE WHEN $12::boolean THEN c.identity END AS identity, "
      "CASE WHEN $11::boolean THEN 1 ELSE count(DISTINCT c.device) END AS devices, "
      "CASE WHEN $12::boolean THEN 1 ELSE count(DISTINCT c.identity) END AS collectors, "
      AQUIFER_SUMMED("c")
    "FROM cell AS c "
    "GROUP BY 1, 2, 3"
  "), total AS ("
    "SELECT "
      "(SELECT count(*) FROM (SELECT DISTINCT c.device FROM cell AS c) AS met) AS devices, "
      "(SELECT count(DISTINCT met.identity) "
        "FROM (SELECT DISTINCT c.identity FROM cell AS c) AS met) AS collectors, "
      AQUIFER_SUMMED("g")
    "FROM numbered AS g"
  "), groups AS MATERIALIZED ("
    "SELECT "
      "g.period, d.device_id, n.worker_id, "
      /* No text is a collector's text too, of nobody to count. */
      "CASE WHEN $12::boolean AND n.worker_id IS NULL THEN COALESCE(n.collector, '') END "
        "AS collector, "
      "g.lines, g.visits, g.devices, "
      "CASE WHEN $12::boolean AND g.identity IS NULL THEN 0 ELSE g.collectors END "
        "AS collectors, "
      "g.banknotes, g.coins, g.first_at, g.last_at "
    "FROM numbered AS g "
    "LEFT JOIN device AS d ON $11::boolean AND d.number = g.device "
    "LEFT JOIN named AS n ON $12::boolean AND n.number = g.identity"
  "), "
  AQUIFER_SUMMARY_ANSWER};

// How many devices the whole range has cannot be added up from days: each is looked up in it.
constexpr Statement kDays = {"collections.summarize_days",
  AQUIFER_ROLLUP_SOURCES
  "day AS MATERIALIZED ("
    "SELECT "
      "s.day, s.lines, s.visits, s.devices, s.collectors, s.banknotes_minor AS banknotes, "
      "s.coins_minor AS coins, s.first_at, s.last_at "
    "FROM aquifer.rollup_days AS s "
    "WHERE " AQUIFER_IS_SUMMED("s")
    "AND $5::text[] IS NULL "
    "UNION ALL "
    "SELECT "
      "c.day, count(*), sum(c.visits), count(DISTINCT c.device_id), array_agg(DISTINCT n.number), "
      "aquifer.sum_minor(c.banknotes), aquifer.sum_minor(c.coins), "
      "min(c.collected_at), max(c.collected_at) "
    "FROM line AS c "
    "JOIN named AS n ON n.collector = c.collector "
    "GROUP BY c.day"
  /* Many days have the same collectors: who they are is found once for each such set. */
  "), met AS MATERIALIZED ("
    "SELECT DISTINCT crew.collectors, n.identity "
    "FROM (SELECT DISTINCT d.collectors FROM day AS d) AS crew "
    "CROSS JOIN LATERAL unnest(crew.collectors) AS member (number) "
    "JOIN named AS n ON n.number = member.number "
    "WHERE n.identity IS NOT NULL"
  "), total AS ("
    "SELECT "
      "(SELECT count(*) "
        "FROM device AS e "
        "CROSS JOIN LATERAL ("
          "SELECT FROM aquifer.collections AS c "
          "WHERE c.device_id = e.device_id AND " AQUIFER_FILTER_TIME
          "LIMIT 1"
        ") AS seen) AS devices, "
      "(SELECT count(DISTINCT met.identity) FROM met) AS collectors, "
      AQUIFER_SUMMED("d")
    "FROM day AS d"
  "), groups AS MATERIALIZED ("
    "SELECT "
      "d.day AS period, NULL AS device_id, NULL::bigint AS worker_id, NULL AS collector, "
      "d.lines, d.visits, d.devices, COALESCE(m.collectors, 0) AS collectors, "
      "d.banknotes, d.coins, d.first_at, d.last_at "
    "FROM day AS d "
    "LEFT JOIN ("
      "SELECT met.collectors AS crew, count(*) AS collectors FROM met GROUP BY met.collectors"
    ") AS m ON m.crew = d.collectors "
    "WHERE $10::text IS NOT NULL AND NOT $11::boolean AND NOT $12::boolean"
  "), "
  AQUIFER_SUMMARY_ANSWER};

constexpr Statement kServes = {"rollup.serves",
  "SELECT count(*) <= 7 "
    "AND (SELECT zone.zone = current_setting('TimeZone') FROM aquifer.rollup_zone AS zone) "
  "FROM (" AQUIFER_MARKED_DAYS_IN_FILTER ") AS stale"};
// clang-format on

}  // namespace

const Statement& kSummarizeCells = kCells;
const Statement& kSummarizeDays = kDays;
const Statement& kRollupServes = kServes;

StatementList CollectionSummaryRollupStatements() {
  static constexpr const Statement* kAll[] = {&kCells, &kDays, &kServes};
  return kAll;
}

}  // namespace aquifer
