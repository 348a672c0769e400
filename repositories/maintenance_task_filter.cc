#include "repositories/maintenance_task_filter.h"

#include "repositories/array.h"
#include "repositories/enum_text.h"
#include "repositories/given.h"
#include "repositories/row.h"

namespace aquifer {

TaskFilterParameters::TaskFilterParameters(const v1::TaskFilter& filter)
    : statuses(EnumsOrNull<v1::TaskStatus>(filter.statuses())),
      priorities(EnumsOrNull<v1::TaskPriority>(filter.priorities())),
      types(EnumsOrNull<v1::TaskType>(filter.types())),
      device_ids(ArrayOrNull(filter.device_ids())),
      technician_ids(ArrayOrNull(filter.technician_ids())),
      unassigned_only(filter.unassigned_only()),
      overdue_at(GivenInstant(filter.has_overdue_at(), filter.overdue_at())),
      text(filter.text()) {
  if (filter.has_days()) {
    first_day = DayText(filter.days().first());
    last_day = DayText(filter.days().last());
  }
  if (filter.has_instants()) {
    start = InstantText(filter.instants().start());
    end = InstantText(filter.instants().end());
  }
}

std::vector<FieldViolation> CheckTaskFilter(const v1::TaskFilter& filter) {
  std::vector<FieldViolation> violations;
  RefuseUnspecified(filter.statuses(), "filter.statuses", violations);
  RefuseUnspecified(filter.priorities(), "filter.priorities", violations);
  RefuseUnspecified(filter.types(), "filter.types", violations);
  return violations;
}

}  // namespace aquifer
