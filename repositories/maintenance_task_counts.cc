// Counts of tasks, by every measure at once, so that they agree with each other.
#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <map>
#include <string>

#include "repositories/errors.h"
#include "repositories/given.h"
#include "repositories/maintenance_repository.h"
#include "repositories/maintenance_task_filter.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// $13 the instant overdue is meant at, or NULL for now. The first column tells the group by which
// columns are not grouped by: 3 by state, 5 by priority, 6 by type, 7 for all.
constexpr Statement kCount = {"maintenance.count_tasks", R"sql(
SELECT
  GROUPING(t.status, t.priority, t.type),
  COALESCE(t.status, t.priority, t.type, ''),
  count(*),
  count(*) FILTER (
    WHERE )sql" AQUIFER_TASK_OPEN R"sql( AND t.due_at < COALESCE($13::timestamptz, now())),
  COALESCE($13::timestamptz, now())
FROM aquifer.maintenance_tasks AS t
WHERE )sql" AQUIFER_TASK_FILTER R"sql(
GROUP BY GROUPING SETS ((), (t.status), (t.priority), (t.type))
)sql"};

constexpr std::int64_t kByStatus = 3;
constexpr std::int64_t kByPriority = 5;
constexpr std::int64_t kByType = 6;
constexpr std::int64_t kAll = 7;

// Calls add(value, count) for each declared value but UNSPECIFIED.
template <typename Enum, typename Add>
void AddEach(const std::map<std::string, std::int64_t>& counts, Add add) {
  const auto& type = *google::protobuf::GetEnumDescriptor<Enum>();
  for (int i = 1; i < type.value_count(); ++i) {
    const auto value = static_cast<Enum>(type.value(i)->number());
    const auto found = counts.find(EnumText(value));
    add(value, found == counts.end() ? 0 : found->second);
  }
}

}  // namespace

absl::StatusOr<v1::CountTasksResponse> MaintenanceRepository::CountTasks(
    const v1::CountTasksRequest& request) {
  if (const auto bad = CheckTaskFilter(request.filter()); !bad.empty()) return InvalidFields(bad);
  v1::CountTasksResponse response;
  std::map<std::int64_t, std::map<std::string, std::int64_t>> counts;
  for (const auto& fields : RunFiltered(session_, kCount, TaskFilterParameters(request.filter()),
                                        GivenInstant(request.has_as_of(), request.as_of()))) {
    const Row row(fields);
    if (row.Int(0) == kAll) {
      response.set_tasks(row.Int(2));
      response.set_overdue(row.Int(3));
      *response.mutable_as_of() = row.Instant(4);
    } else {
      counts[row.Int(0)][row.Text(1)] = row.Int(2);
    }
  }
  AddEach<v1::TaskStatus>(counts[kByStatus], [&](v1::TaskStatus status, std::int64_t tasks) {
    auto& count = *response.add_by_status();
    count.set_status(status);
    count.set_tasks(tasks);
  });
  AddEach<v1::TaskPriority>(counts[kByPriority],
                            [&](v1::TaskPriority priority, std::int64_t tasks) {
                              auto& count = *response.add_by_priority();
                              count.set_priority(priority);
                              count.set_tasks(tasks);
                            });
  AddEach<v1::TaskType>(counts[kByType], [&](v1::TaskType type, std::int64_t tasks) {
    auto& count = *response.add_by_type();
    count.set_type(type);
    count.set_tasks(tasks);
  });
  return response;
}

StatementList MaintenanceTaskCountStatements() {
  static constexpr const Statement* kStatements[] = {&kCount};
  return kStatements;
}

}  // namespace aquifer
