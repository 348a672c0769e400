// What the statements of SummarizeCollections share, whatever they read: the periods, and how sums
// become rows of the answer.
#pragma once

// clang-format off
// The period of a day. A week begins on its Monday, as 0001-01-01 is one.
#define AQUIFER_PERIOD(day)                                                                   \
  "CASE $10::text "                                                                           \
    "WHEN 'day' THEN " day " "                                                                \
    "WHEN 'week' THEN " day " - (" day " - DATE '0001-01-01') % 7 "                           \
    "WHEN 'month' THEN date_trunc('month', " day "::timestamp)::date "                        \
  "END "

#define AQUIFER_GROUP_ORDER(of)                                                               \
  "ORDER BY CASE WHEN $13::boolean THEN " of ".banknotes + " of ".coins END DESC, "           \
    of ".period, " of ".device_id, " of ".worker_id, " of ".collector "

// The rows of the answer: `total`, one row, and the first of `groups`.
#define AQUIFER_SUMMARY_ANSWER                                                                \
  "answer AS ("                                                                               \
    "SELECT "                                                                                 \
      "true AS is_total, NULL::date AS period, NULL AS device_id, "                           \
      "NULL::bigint AS worker_id, NULL AS collector, "                                        \
      "t.lines, t.visits, t.devices, t.collectors, t.banknotes, t.coins, t.first_at, "        \
      "t.last_at, (SELECT count(*) FROM groups) AS all_groups "                               \
    "FROM total AS t "                                                                        \
    "UNION ALL "                                                                              \
    "(SELECT "                                                                                \
      "false, g.period, g.device_id, g.worker_id, g.collector, g.lines, g.visits, g.devices, "\
      "g.collectors, g.banknotes, g.coins, g.first_at, g.last_at, 0::bigint "                 \
    "FROM groups AS g "                                                                       \
    AQUIFER_GROUP_ORDER("g")                                                                  \
    "LIMIT $14::bigint)"                                                                      \
  ") "                                                                                        \
  "SELECT "                                                                                   \
    "r.period::text, COALESCE(r.device_id, ''), COALESCE(r.collector, ''), "                  \
    "COALESCE(r.worker_id, 0), COALESCE(w.name, ''), "                                        \
    "COALESCE(r.lines, 0), COALESCE(r.visits, 0), COALESCE(r.devices, 0), r.collectors, "     \
    "COALESCE(r.banknotes, 0), COALESCE(r.coins, 0), COALESCE(r.banknotes + r.coins, 0), "    \
    /* Half up, in whole numbers. */                                                          \
    "COALESCE((2 * (r.banknotes + r.coins) + r.lines) / (2 * r.lines), 0), "                  \
    "r.first_at, r.last_at, r.all_groups "                                                    \
  "FROM answer AS r "                                                                         \
  "LEFT JOIN aquifer.workers AS w ON w.id = r.worker_id "                                     \
  "ORDER BY r.is_total DESC, "                                                                \
    "CASE WHEN $13::boolean THEN r.banknotes + r.coins END DESC, "                            \
    "r.period, r.device_id, r.worker_id, r.collector"
// clang-format on
