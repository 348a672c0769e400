// The columns of a task and of a machine and their mapping, written once.
#pragma once

#include "aquifer/v1/maintenance.pb.h"
#include "repositories/enum_text.h"
#include "repositories/row.h"

// What is to be done yet; the only tasks that can be overdue or alerts.
#define AQUIFER_TASK_OPEN "t.status IN ('pending', 'scheduled', 'in_progress') "

// A task's columns as stored, for a sub-select or a RETURNING that hands `t` up to
// AQUIFER_TASK_COLUMNS.
#define AQUIFER_STORED_TASK                                                                  \
  "t.id, t.title, t.description, t.location, t.estimated_duration, t.parts_needed, t.type, " \
  "t.priority, t.scheduled_at, t.due_at, t.device_id, t.status, t.completed_at, "            \
  "t.technician_id, t.version, t.created_at, t.updated_at "

// Selects a task `t` with its technician, in the order TaskFrom reads. The FROM clause adds
// AQUIFER_TASK_JOINS.
#define AQUIFER_TASK_COLUMNS                                                                 \
  "t.id, t.title, t.description, t.location, t.estimated_duration, t.parts_needed, t.type, " \
  "t.priority, t.scheduled_at, COALESCE(t.device_id, ''), t.status, "                        \
  "t.completed_at, COALESCE(t.technician_id, 0), "                                           \
  "COALESCE(technician.name, ''), t.version, t.created_at, t.updated_at"

#define AQUIFER_TASK_JOINS \
  "LEFT JOIN aquifer.technicians AS technician ON technician.id = t.technician_id "

// A machine's columns `m`, in the order MachineFrom reads.
#define AQUIFER_MACHINE_COLUMNS                                                      \
  "m.device_id, m.name, m.location, m.status, m.water_level_percent, "               \
  "(m.daily_sales_litres * 1000)::bigint, (m.monthly_sales_litres * 1000)::bigint, " \
  "m.last_maintenance_at, m.next_maintenance_at, "                                   \
  "m.filter_life_days, m.alerts, COALESCE(m.water_quality, ''), "                    \
  "m.water_quality_tested_at, m.version, m.created_at, m.updated_at"

namespace aquifer {

// How many columns AQUIFER_TASK_COLUMNS has.
inline constexpr int kTaskColumns = 17;

inline void TaskFrom(const Row& row, v1::MaintenanceTask& task) {
  task.set_id(row.Int(0));
  v1::TaskDetails& details = *task.mutable_details();
  details.set_title(row.Text(1));
  details.set_description(row.Text(2));
  details.set_location(row.Text(3));
  details.set_estimated_duration(row.Text(4));
  details.set_parts_needed(row.Text(5));
  details.set_type(EnumFrom<v1::TaskType>(row.Text(6)));
  details.set_priority(EnumFrom<v1::TaskPriority>(row.Text(7)));
  if (!row.IsNull(8)) *details.mutable_scheduled_at() = row.Instant(8);
  details.set_device_id(row.Text(9));
  task.set_status(EnumFrom<v1::TaskStatus>(row.Text(10)));
  if (!row.IsNull(11)) *task.mutable_completed_at() = row.Instant(11);
  task.set_technician_id(row.Int(12));
  task.set_technician_name(row.Text(13));
  task.set_version(row.Int(14));
  *task.mutable_created_at() = row.Instant(15);
  *task.mutable_updated_at() = row.Instant(16);
}

inline void MachineFrom(const Row& row, v1::Machine& machine) {
  machine.set_device_id(row.Text(0));
  v1::MachineDetails& details = *machine.mutable_details();
  details.set_name(row.Text(1));
  details.set_location(row.Text(2));
  details.set_status(EnumFrom<v1::MachineStatus>(row.Text(3)));
  if (!row.IsNull(4)) details.set_water_level_percent(static_cast<std::int32_t>(row.Int(4)));
  if (!row.IsNull(5)) details.set_daily_sales_millilitres(row.Int(5));
  if (!row.IsNull(6)) details.set_monthly_sales_millilitres(row.Int(6));
  if (!row.IsNull(7)) *details.mutable_last_maintenance_at() = row.Instant(7);
  if (!row.IsNull(8)) *details.mutable_next_maintenance_at() = row.Instant(8);
  if (!row.IsNull(9)) details.set_filter_life_days(static_cast<std::int32_t>(row.Int(9)));
  details.mutable_alerts();
  for (std::string& text : row.Texts(10)) details.mutable_alerts()->add_texts(std::move(text));
  machine.set_water_quality(EnumFrom<v1::WaterQuality>(row.Text(11)));
  if (!row.IsNull(12)) *machine.mutable_water_quality_tested_at() = row.Instant(12);
  machine.set_version(row.Int(13));
  *machine.mutable_created_at() = row.Instant(14);
  *machine.mutable_updated_at() = row.Instant(15);
}

}  // namespace aquifer
