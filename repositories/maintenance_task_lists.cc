// Lists of tasks, page by page.
//
// A page begins after a position: the id of the last task before it, or the instant it is due and
// its id. A statement's text never changes, and PostgreSQL may plan it once for all parameters; so
// there is one statement for each order and each index that may serve it.

#include <cstdint>
#include <limits>
#include <string>

#include "repositories/errors.h"
#include "repositories/fill_page.h"
#include "repositories/maintenance_repository.h"
#include "repositories/maintenance_row.h"
#include "repositories/maintenance_task_filter.h"
#include "repositories/page.h"
#include "repositories/position.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// At most $13 tasks come. The position is $14, the id, and $15, the instant, which newest first
// does not have; there the greatest id stands for no position.
// clang-format off
#define AQUIFER_NEWEST "t.id < $14::bigint "
#define AQUIFER_NEWEST_ORDER "ORDER BY t.id DESC "

// Scheduled first, without a position ($14 0, $15 NULL), begins with the range's own start: ids
// begin with 1.
#define AQUIFER_SCHEDULED                                                                  \
  "t.due_at < " AQUIFER_DUE_END " "                                                        \
  "AND (t.due_at, t.id) > (COALESCE($15::timestamptz, " AQUIFER_DUE_START "), $14::bigint) "
#define AQUIFER_SCHEDULED_ORDER "ORDER BY t.due_at, t.id "

// The page is cut before the technicians are joined.
#define AQUIFER_TASK_PAGE(page, order)                                                     \
  "SELECT " AQUIFER_TASK_COLUMNS " FROM (" page ") AS t " AQUIFER_TASK_JOINS order

// A page of each key in its index's order, then a page of those: each key costs at most a page,
// wherever in the history its tasks lie.
#define AQUIFER_TASK_PAGE_OF_EACH(keys, match, conditions, order)                          \
  AQUIFER_TASK_PAGE(                                                                       \
      "SELECT " AQUIFER_STORED_TASK "FROM (" keys ") AS k CROSS JOIN LATERAL ("            \
          "SELECT " AQUIFER_STORED_TASK                                                    \
          "FROM aquifer.maintenance_tasks AS t "                                           \
          "WHERE " match "AND " conditions                                                 \
          order                                                                            \
          "LIMIT $13::bigint) AS t "                                                       \
      order                                                                                \
      "LIMIT $13::bigint",                                                                 \
      order)

// The tasks of a machine or of a technician are few enough to be sorted.
#define AQUIFER_TASK_PAGE_SORTED(match)                                                    \
  AQUIFER_TASK_PAGE(                                                                       \
      "SELECT " AQUIFER_STORED_TASK "FROM aquifer.maintenance_tasks AS t "                 \
      "WHERE " match "AND CASE WHEN " AQUIFER_TASK_CHECKS_IN "AND " AQUIFER_SCHEDULED      \
      "THEN true ELSE false END " AQUIFER_SCHEDULED_ORDER "LIMIT $13::bigint",                                         \
      AQUIFER_SCHEDULED_ORDER)

// Every state and priority that the filter leaves; all where it names none.
#define AQUIFER_STATUS_KEYS                                                                \
  "SELECT DISTINCT t.status "                                                              \
  "FROM unnest(COALESCE($1::text[], "                                                      \
  "'{pending,scheduled,in_progress,completed,cancelled}')) AS t (status) "                 \
  "WHERE ($11::timestamptz IS NULL OR " AQUIFER_TASK_OPEN ")"
#define AQUIFER_STATE_KEYS                                                                 \
  "SELECT s.status, p.priority FROM (" AQUIFER_STATUS_KEYS ") AS s "                       \
  "CROSS JOIN (SELECT DISTINCT unnest(COALESCE($2::text[], "                               \
  "'{low,medium,high,critical}')) AS priority) AS p"

constexpr Statement kNewestByState = {
    "maintenance.list_newest_by_state",
    AQUIFER_TASK_PAGE_OF_EACH(AQUIFER_STATE_KEYS,
                              "t.status = k.status AND t.priority = k.priority ",
                              AQUIFER_TASK_FILTER "AND " AQUIFER_NEWEST, AQUIFER_NEWEST_ORDER)};
constexpr Statement kNewestByType = {
    "maintenance.list_newest_by_type",
    AQUIFER_TASK_PAGE_OF_EACH("SELECT DISTINCT unnest($3::text[]) AS type", "t.type = k.type ",
                              AQUIFER_TASK_FILTER "AND " AQUIFER_NEWEST, AQUIFER_NEWEST_ORDER)};
constexpr Statement kNewestByMachine = {
    "maintenance.list_newest_by_machine",
    AQUIFER_TASK_PAGE_OF_EACH("SELECT DISTINCT unnest($4::text[]) AS device_id",
                              "t.device_id = k.device_id ",
                              AQUIFER_TASK_FILTER "AND " AQUIFER_NEWEST, AQUIFER_NEWEST_ORDER)};
constexpr Statement kNewestByTechnician = {
    "maintenance.list_newest_by_technician",
    AQUIFER_TASK_PAGE_OF_EACH("SELECT DISTINCT unnest($5::bigint[]) AS technician_id",
                              "t.technician_id = k.technician_id ",
                              AQUIFER_TASK_FILTER "AND " AQUIFER_NEWEST, AQUIFER_NEWEST_ORDER)};
constexpr Statement kScheduledByState = {
    "maintenance.list_scheduled_by_state",
    AQUIFER_TASK_PAGE_OF_EACH(AQUIFER_STATUS_KEYS, "t.status = k.status ",
                              AQUIFER_TASK_CHECKS "AND " AQUIFER_SCHEDULED,
                              AQUIFER_SCHEDULED_ORDER)};
constexpr Statement kScheduledByMachine = {
    "maintenance.list_scheduled_by_machine",
    AQUIFER_TASK_PAGE_SORTED("t.device_id = ANY($4::text[]) ")};
constexpr Statement kScheduledByTechnician = {
    "maintenance.list_scheduled_by_technician",
    AQUIFER_TASK_PAGE_SORTED("t.technician_id = ANY($5::bigint[]) ")};
// clang-format on

const Statement& StatementFor(const v1::TaskFilter& filter, bool newest_first) {
  if (!filter.device_ids().empty()) return newest_first ? kNewestByMachine : kScheduledByMachine;
  if (!filter.technician_ids().empty()) {
    return newest_first ? kNewestByTechnician : kScheduledByTechnician;
  }
  if (!newest_first) return kScheduledByState;
  const bool by_type = !filter.types().empty() && filter.statuses().empty() &&
                       filter.priorities().empty() && !filter.has_overdue_at();
  return by_type ? kNewestByType : kNewestByState;
}

// When a task is due, as due_at has it: one without an instant with the last one there can be.
google::protobuf::Timestamp DueAt(const v1::MaintenanceTask& task) {
  if (task.details().has_scheduled_at()) return task.details().scheduled_at();
  google::protobuf::Timestamp never;
  never.set_seconds(253402300799);
  never.set_nanos(999999000);
  return never;
}

std::string EncodePosition(const v1::ListTasksRequest& request, bool newest_first,
                           const v1::MaintenanceTask& last) {
  return newest_first ? EncodeIdPosition(request, last.id())
                      : EncodeTimePosition(request, DueAt(last), last.id());
}

absl::StatusOr<TimePosition> DecodePosition(const v1::ListTasksRequest& request,
                                            bool newest_first) {
  if (!newest_first) return DecodeTimePosition(request, request.page_token());
  const auto id = DecodeIdPosition(request, request.page_token());
  if (!id.ok()) return id.status();
  TimePosition position;
  position.id = *id == 0 ? std::numeric_limits<std::int64_t>::max() : *id;
  return position;
}

}  // namespace

absl::StatusOr<v1::ListTasksResponse> MaintenanceRepository::ListTasks(
    const v1::ListTasksRequest& request) {
  if (const auto bad = CheckTaskFilter(request.filter()); !bad.empty()) return InvalidFields(bad);
  const bool newest_first = request.order() != v1::TASK_ORDER_SCHEDULED_FIRST;
  const auto position = DecodePosition(request, newest_first);
  if (!position.ok()) return position.status();
  const int size = PageSize(request.page_size());

  // The one beyond tells that there is a next page.
  const Statement& statement = StatementFor(request.filter(), newest_first);
  const TaskFilterParameters filter(request.filter());
  const pqxx::result rows =
      newest_first ? RunFiltered(session_, statement, filter, size + 1, position->id)
                   : RunFiltered(session_, statement, filter, size + 1, position->id, position->at);
  v1::ListTasksResponse response;
  auto& tasks = *response.mutable_tasks();
  if (FillPage(rows, size, tasks, TaskFrom)) {
    response.set_next_page_token(EncodePosition(request, newest_first, tasks[tasks.size() - 1]));
  }
  return response;
}

StatementList MaintenanceTaskListStatements() {
  static constexpr const Statement* kAll[] = {
      &kNewestByState,    &kNewestByType,       &kNewestByMachine,      &kNewestByTechnician,
      &kScheduledByState, &kScheduledByMachine, &kScheduledByTechnician};
  return kAll;
}

}  // namespace aquifer
