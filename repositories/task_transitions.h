// The legal moves of a maintenance task between its states, written once (domain rule 9). The
// README's table is made from this one.
#pragma once

#include <absl/strings/string_view.h>

#include "aquifer/v1/maintenance.pb.h"

namespace aquifer {

struct TaskMove {
  v1::TaskStatus from;
  v1::TaskStatus to;
  absl::string_view when;
};

inline constexpr TaskMove kLegalTaskMoves[] = {
    {v1::TASK_STATUS_PENDING, v1::TASK_STATUS_SCHEDULED, "It is planned for an instant."},
    {v1::TASK_STATUS_PENDING, v1::TASK_STATUS_IN_PROGRESS, "Somebody begins without a plan."},
    {v1::TASK_STATUS_PENDING, v1::TASK_STATUS_COMPLETED, "It was done before anybody said so."},
    {v1::TASK_STATUS_PENDING, v1::TASK_STATUS_CANCELLED, "It will not be done."},
    {v1::TASK_STATUS_SCHEDULED, v1::TASK_STATUS_PENDING, "The plan falls through."},
    {v1::TASK_STATUS_SCHEDULED, v1::TASK_STATUS_IN_PROGRESS, "Somebody begins."},
    {v1::TASK_STATUS_SCHEDULED, v1::TASK_STATUS_COMPLETED, "It was done before anybody said so."},
    {v1::TASK_STATUS_SCHEDULED, v1::TASK_STATUS_CANCELLED, "It will not be done."},
    {v1::TASK_STATUS_IN_PROGRESS, v1::TASK_STATUS_PENDING, "It is put back, without a plan."},
    {v1::TASK_STATUS_IN_PROGRESS, v1::TASK_STATUS_SCHEDULED, "It goes on another time."},
    {v1::TASK_STATUS_IN_PROGRESS, v1::TASK_STATUS_COMPLETED, "It is done."},
    {v1::TASK_STATUS_IN_PROGRESS, v1::TASK_STATUS_CANCELLED, "It is given up."},
    {v1::TASK_STATUS_CANCELLED, v1::TASK_STATUS_PENDING, "It is wanted after all."},
};

constexpr bool IsLegalTaskMove(v1::TaskStatus from, v1::TaskStatus to) {
  for (const TaskMove& move : kLegalTaskMoves) {
    if (move.from == from && move.to == to) return true;
  }
  return false;
}

}  // namespace aquifer
