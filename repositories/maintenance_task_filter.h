// A TaskFilter as bound parameters: one set of SQL conditions for every statement that selects
// tasks. Parameters $1 to $12 are the filter's, in the order RunFiltered binds them; a statement's
// own begin with $13. Every statement names its tasks `t`.
#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "aquifer/v1/maintenance.pb.h"
#include "repositories/errors.h"
#include "repositories/maintenance_row.h"
#include "repositories/session.h"
#include "repositories/text_search.h"

// When tasks are due, half open. An overdue one is due before the instant asked about.
#define AQUIFER_DUE_START "COALESCE($7::date::timestamptz, $9::timestamptz, '-infinity')"
#define AQUIFER_DUE_END                                                               \
  "COALESCE(LEAST(($8::date + 1)::timestamptz, $10::timestamptz, $11::timestamptz), " \
  "'infinity')"

// Checked on rows, but for when they are due; CHECKS_IN stands in a CASE, which the planner takes
// to hold for half of them. Conditions side by side, each unknown, it would multiply until it
// expects hardly a row, and then sorts all of a key's tasks instead of taking a page from the
// index.
#define AQUIFER_TASK_CHECKS_IN                                         \
  "($1::text[] IS NULL OR t.status = ANY($1::text[])) "                \
  "AND ($2::text[] IS NULL OR t.priority = ANY($2::text[])) "          \
  "AND ($3::text[] IS NULL OR t.type = ANY($3::text[])) "              \
  "AND ($4::text[] IS NULL OR t.device_id = ANY($4::text[])) "         \
  "AND ($5::bigint[] IS NULL OR t.technician_id = ANY($5::bigint[])) " \
  "AND (NOT $6::boolean OR t.technician_id IS NULL) "                  \
  "AND ($11::timestamptz IS NULL OR " AQUIFER_TASK_OPEN                \
  ") "                                                                 \
  "AND " AQUIFER_TEXT_FOUND("$12::text", "t.title, t.description, t.location, t.parts_needed")

#define AQUIFER_TASK_CHECKS "CASE WHEN " AQUIFER_TASK_CHECKS_IN "THEN true ELSE false END "

#define AQUIFER_TASK_FILTER                                                \
  "CASE WHEN " AQUIFER_TASK_CHECKS_IN "AND t.due_at >= " AQUIFER_DUE_START \
  " "                                                                      \
  "AND t.due_at < " AQUIFER_DUE_END                                        \
  " "                                                                      \
  "THEN true ELSE false END "

namespace aquifer {

// A filter's values as they are bound; NULL where it does not ask.
struct TaskFilterParameters {
  explicit TaskFilterParameters(const v1::TaskFilter& filter);

  std::optional<std::string> statuses, priorities, types, device_ids, technician_ids;
  bool unassigned_only = false;
  std::optional<std::string> first_day, last_day, start, end, overdue_at;
  std::string text;
};

// What the field rules cannot say of a filter.
std::vector<FieldViolation> CheckTaskFilter(const v1::TaskFilter& filter);

// Runs `statement` with the filter as $1 to $12 and `args` from $13.
template <typename... Args>
pqxx::result RunFiltered(Session& session, const Statement& statement,
                         const TaskFilterParameters& filter, const Args&... args) {
  return session.Run(statement, filter.statuses, filter.priorities, filter.types, filter.device_ids,
                     filter.technician_ids, filter.unassigned_only, filter.first_day,
                     filter.last_day, filter.start, filter.end, filter.overdue_at, filter.text,
                     args...);
}

}  // namespace aquifer
