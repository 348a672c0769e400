// What reads and what writes the rollup of collections agree on.
#pragma once

// The days that lines of the hours in `marks` may have to do with: their own, and that of a line
// shortly after, whose visit one of them may begin.
#define AQUIFER_MARKED_DAYS(marks)             \
  "SELECT DISTINCT touched.day FROM " marks    \
  " AS mark CROSS JOIN LATERAL (VALUES "       \
  "(mark.hour::date), "                        \
  "((mark.hour + interval '1 hour 2 minutes')" \
  "::date)) AS touched (day) "

// Marks the hours of `changed`, the lines that a statement writes: a part of that statement,
// because a trigger would cost a single save a sixth of its time. Our sessions say
// `aquifer.marks=statement` and so keep the triggers, which everybody else has, from doing it
// again.
// clang-format off
#define AQUIFER_MARKS(changed)                                                                \
  "marked AS ("                                                                               \
    "INSERT INTO aquifer.rollup_changes (hour) "                                              \
    "SELECT DISTINCT touched.hour "                                                           \
    "FROM ("                                                                                  \
      "SELECT date_trunc('hour', changed.collected_at, 'UTC') AS hour "                       \
      "FROM " changed " AS changed"                                                           \
    ") AS touched "                                                                           \
    "WHERE NOT EXISTS ("                                                                      \
      "SELECT FROM aquifer.rollup_changes AS mark "                                           \
      "WHERE mark.hour = touched.hour AND mark.claim = 0))"
// clang-format on

// The lines of the days in `days`, each as a cell of its own. OFFSET keeps the planner from reading
// all lines beside each day: it takes a day for a ninth of them.
// clang-format off
#define AQUIFER_LINES_OF_DAYS(days)                                                           \
  "SELECT "                                                                                   \
    "days.day, c.device_id, c.collector, 1 AS lines, "                                        \
    "CASE WHEN EXISTS ("                                                                      \
      "SELECT FROM aquifer.collections AS p "                                                 \
      "WHERE p.device_id = c.device_id "                                                      \
      "AND p.collected_at < c.collected_at "                                                  \
      "AND p.collected_at >= c.collected_at - interval '120 s'"                               \
    ") THEN 0 ELSE 1 END AS visits, "                                                         \
    "(c.banknotes * 100)::bigint AS banknotes, (c.coins * 100)::bigint AS coins, "            \
    "c.collected_at "                                                                         \
  "FROM " days " AS days "                                                                    \
  "CROSS JOIN LATERAL ("                                                                      \
    "SELECT l.device_id, l.collector, l.banknotes, l.coins, l.collected_at "                  \
    "FROM aquifer.collections AS l "                                                          \
    "WHERE l.collected_at >= days.day::timestamptz "                                          \
    "AND l.collected_at < (days.day + 1)::timestamptz "                                       \
    "OFFSET 0"                                                                                \
  ") AS c "
// clang-format on
