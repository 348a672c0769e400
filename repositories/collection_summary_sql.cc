#include "repositories/collection_summary_sql.h"

#include "repositories/collection_summary_answer.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// clang-format off
// A gap over this begins a new visit.
#define AQUIFER_VISIT_GAP "interval '120 s'"

#define AQUIFER_NEAR_COLUMNS                                                                  \
  "c.device_id, c.collected_at, c.collector, "                                                \
  "(c.banknotes * 100)::bigint AS banknotes, (c.coins * 100)::bigint AS coins, "              \
  AQUIFER_PERIOD("c.collected_at::date") "AS period, "

#define AQUIFER_SEEN_COLUMNS                                                                  \
  "n.device_id, n.collected_at, n.collector, n.banknotes, n.coins, n.period, n.selected, "    \
  /* Periods only grow, so the greatest is the last. Infinity stands for no period, NULL for  \
     no selected line before this one. */                                                     \
  "max(CASE WHEN n.selected THEN COALESCE(n.period, '-infinity') END) OVER earlier "          \
    "AS previous_period, "

#define AQUIFER_EARLIER                                                                       \
  "WINDOW earlier AS ("                                                                       \
    "PARTITION BY n.device_id ORDER BY n.collected_at "                                       \
    "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) "

// Lines found by time or by device come with those between them: a visit shows in their order. The
// start is a sub-select, or its day would be turned into an instant for each line; and OFFSET keeps
// the planner from moving the period into `seen`, where it would be computed twice for each.
#define AQUIFER_LINES_IN_ORDER(found)                                                         \
  "WITH near AS ("                                                                            \
    "SELECT " AQUIFER_NEAR_COLUMNS                                                            \
      "c.collected_at >= (SELECT " AQUIFER_FILTER_START ") "                                  \
      "AND " AQUIFER_FILTER_COLLECTORS                                                        \
      "AND " AQUIFER_FILTER_TOTALS                                                            \
      "AS selected "                                                                          \
    "FROM aquifer.collections AS c "                                                          \
    "WHERE " found                                                                            \
    "AND c.collected_at >= " AQUIFER_FILTER_START " - " AQUIFER_VISIT_GAP " "                 \
    "AND c.collected_at < " AQUIFER_FILTER_END " "                                            \
    "OFFSET 0"                                                                                \
  "), seen AS ("                                                                              \
    "SELECT " AQUIFER_SEEN_COLUMNS                                                            \
      "COALESCE(n.collected_at - max(n.collected_at) OVER earlier > " AQUIFER_VISIT_GAP       \
        ", true) AS begins_visit "                                                            \
    "FROM near AS n "                                                                         \
    AQUIFER_EARLIER                                                                           \
  "), "

// Lines found by collector come without those between them, so each looks up what is before it.
#define AQUIFER_LINES_ALONE                                                                   \
  "WITH near AS ("                                                                            \
    "SELECT " AQUIFER_NEAR_COLUMNS                                                            \
      "NOT EXISTS ("                                                                          \
        "SELECT FROM aquifer.collections AS p "                                               \
        "WHERE p.device_id = c.device_id "                                                    \
        "AND p.collected_at < c.collected_at "                                                \
        "AND p.collected_at >= c.collected_at - " AQUIFER_VISIT_GAP                           \
      ") AS begins_visit, "                                                                   \
      "true AS selected "                                                                     \
    "FROM aquifer.collections AS c "                                                          \
    "WHERE " AQUIFER_FILTER_BY_COLLECTOR                                                      \
  "), seen AS ("                                                                              \
    "SELECT " AQUIFER_SEEN_COLUMNS "n.begins_visit "                                          \
    "FROM near AS n "                                                                         \
    AQUIFER_EARLIER                                                                           \
  "), "

// Sums of lines and of parts alike.
#define AQUIFER_SUMMED(of)                                                                    \
  "aquifer.sum_minor(" of ".lines) AS lines, "                                                \
  "aquifer.sum_minor(" of ".visits) AS visits, "                                              \
  "aquifer.sum_minor(" of ".devices) AS devices, "                                            \
  "aquifer.sum_minor(" of ".banknotes) AS banknotes, "                                        \
  "aquifer.sum_minor(" of ".coins) AS coins, "                                                \
  "min(" of ".first_at) AS first_at, "                                                        \
  "max(" of ".last_at) AS last_at "

// A line without a collector's text has no collector to count.
#define AQUIFER_HAS_COLLECTOR(of) of ".collector IS DISTINCT FROM '' "

#define AQUIFER_SUMS                                                                          \
  "parts AS ("                                                                                \
    "SELECT "                                                                                 \
      "s.period, "                                                                            \
      "CASE WHEN $11::boolean OR $12::boolean THEN s.device_id END AS device_id, "            \
      "a.worker_id, "                                                                         \
      "CASE WHEN a.worker_id IS NULL THEN s.collector END AS collector, "                     \
      "count(*) AS lines, "                                                                   \
      "count(*) FILTER (WHERE s.begins_visit) AS visits, "                                    \
      "count(*) FILTER (WHERE s.previous_period IS NULL) AS devices, "                        \
      "count(*) FILTER (WHERE s.previous_period IS DISTINCT FROM s.period) "                  \
        "AS period_devices, "                                                                 \
      "aquifer.sum_minor(s.banknotes) AS banknotes, "                                         \
      "aquifer.sum_minor(s.coins) AS coins, "                                                 \
      "min(s.collected_at) AS first_at, "                                                     \
      "max(s.collected_at) AS last_at "                                                       \
    "FROM seen AS s "                                                                         \
    "LEFT JOIN aquifer.collector_aliases AS a ON a.collector = s.collector "                  \
    "WHERE s.selected "                                                                       \
    "GROUP BY 1, 2, 3, 4"                                                                     \
  "), keyed AS ("                                                                             \
    "SELECT "                                                                                 \
      "p.period, p.worker_id, p.collector, p.lines, p.visits, p.devices, p.period_devices, "  \
      "p.banknotes, p.coins, p.first_at, p.last_at, "                                         \
      "CASE WHEN $11::boolean THEN p.device_id END AS group_device, "                         \
      "CASE WHEN $12::boolean THEN p.worker_id END AS group_worker, "                         \
      "CASE WHEN $12::boolean THEN p.collector END AS group_collector "                       \
    "FROM parts AS p"                                                                         \
  "), sets AS MATERIALIZED ("                                                                 \
    "SELECT "                                                                                 \
      "GROUPING(k.worker_id) = 1 AS is_group, "                                               \
      "k.period, k.group_device, k.group_worker, k.group_collector, k.collector, "            \
      "aquifer.sum_minor(k.period_devices) AS period_devices, "                               \
      "count(*) AS parts, "                                                                   \
      "count(*) FILTER (WHERE " AQUIFER_HAS_COLLECTOR("k") ") AS collectors, "                \
      AQUIFER_SUMMED("k")                                                                     \
    "FROM keyed AS k "                                                                        \
    "GROUP BY GROUPING SETS ("                                                                \
      "(k.period, k.group_device, k.group_worker, k.group_collector), "                       \
      "(k.worker_id, k.collector))"                                                           \
  "), groups AS ("                                                                            \
    "SELECT "                                                                                 \
      "s.period, s.group_device AS device_id, s.group_worker AS worker_id, "                  \
      "s.group_collector AS collector, s.lines, s.visits, "                                   \
      "CASE "                                                                                 \
        "WHEN $11::boolean THEN 1 "                                                           \
        "WHEN $12::boolean THEN s.parts "                                                     \
        "ELSE s.period_devices "                                                              \
      "END AS devices, "                                                                      \
      /* By collector, a group of parts has one: some or, without a text, none. */            \
      "CASE WHEN $12::boolean THEN LEAST(s.collectors, 1) ELSE s.collectors END "             \
        "AS collectors, "                                                                     \
      "s.banknotes, s.coins, s.first_at, s.last_at "                                          \
    "FROM sets AS s "                                                                         \
    "WHERE s.is_group"                                                                        \
  "), total AS ("                                                                             \
    "SELECT "                                                                                 \
      "count(*) FILTER (WHERE " AQUIFER_HAS_COLLECTOR("s") ") AS collectors, "                \
      AQUIFER_SUMMED("s")                                                                     \
    "FROM sets AS s "                                                                         \
    "WHERE NOT s.is_group"                                                                    \
  "), "                                                                                       \
  AQUIFER_SUMMARY_ANSWER
// clang-format on

constexpr Statement kByTime = {"collections.summarize_by_time",
                               AQUIFER_LINES_IN_ORDER(AQUIFER_FILTER_DEVICES) AQUIFER_SUMS};
constexpr Statement kByDevice = {"collections.summarize_by_device",
                                 AQUIFER_LINES_IN_ORDER("c.device_id = ANY($5::text[]) ")
                                     AQUIFER_SUMS};
constexpr Statement kByCollector = {"collections.summarize_by_collector",
                                    AQUIFER_LINES_ALONE AQUIFER_SUMS};

}  // namespace

const FilteredStatement kSummarize = {kByTime, kByDevice, kByCollector, kByTime};

const Statement kSummarySettings = {"collections.summarize_settings", R"sql(
SELECT
  set_config('work_mem', CASE
    WHEN pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('32MB') THEN '32MB'
    ELSE current_setting('work_mem')
  END, true),
  set_config('jit', 'off', true),
  set_config('plan_cache_mode', 'force_custom_plan', true)
)sql"};

StatementList CollectionSummaryStatements() {
  static constexpr const Statement* kAll[] = {&kByTime, &kByDevice, &kByCollector,
                                              &kSummarySettings};
  return kAll;
}

}  // namespace aquifer
