// Maintenance in SQL: what each MaintenanceRepository RPC does inside its transaction.
//
// One object serves one transaction. Requests were checked against their proto rules, so a method
// only answers what the database alone can know. A method may run again after a conflict and so
// keeps nothing outside its result. The implementation is split by idea:
//   maintenance_tasks.cc         a task: create, get, update, assign, delete
//   maintenance_transitions.cc   moving a task; the legal moves are in task_transitions.h
//   maintenance_task_lists.cc    list; the filter is in maintenance_task_filter.h
//   maintenance_alerts.cc        alerts
//   maintenance_task_counts.cc   counts
//   maintenance_machines.cc      a machine: get, update; list
//   maintenance_upsert.cc        registering many machines
//   maintenance_technicians.cc   technicians
//   maintenance_water.cc         water-quality tests
//   maintenance_locks.cc         locking a row that others name, or that is to change
#pragma once

#include <absl/status/statusor.h>

#include "aquifer/v1/maintenance.pb.h"
#include "repositories/session.h"

namespace aquifer {

class MaintenanceRepository final {
 public:
  explicit MaintenanceRepository(Session& session) : session_(session) {}

  absl::StatusOr<v1::CreateTaskResponse> CreateTask(const v1::CreateTaskRequest& request);
  absl::StatusOr<v1::GetTaskResponse> GetTask(const v1::GetTaskRequest& request);
  absl::StatusOr<v1::UpdateTaskResponse> UpdateTask(const v1::UpdateTaskRequest& request);
  absl::StatusOr<v1::TransitionTaskResponse> TransitionTask(
      const v1::TransitionTaskRequest& request);
  absl::StatusOr<v1::AssignTaskResponse> AssignTask(const v1::AssignTaskRequest& request);
  absl::StatusOr<v1::DeleteTaskResponse> DeleteTask(const v1::DeleteTaskRequest& request);
  absl::StatusOr<v1::ListTasksResponse> ListTasks(const v1::ListTasksRequest& request);
  absl::StatusOr<v1::CountTasksResponse> CountTasks(const v1::CountTasksRequest& request);
  absl::StatusOr<v1::ListAlertsResponse> ListAlerts(const v1::ListAlertsRequest& request);

  absl::StatusOr<v1::UpsertMachinesResponse> UpsertMachines(
      const v1::UpsertMachinesRequest& request);
  absl::StatusOr<v1::GetMachineResponse> GetMachine(const v1::GetMachineRequest& request);
  absl::StatusOr<v1::UpdateMachineResponse> UpdateMachine(const v1::UpdateMachineRequest& request);
  absl::StatusOr<v1::ListMachinesResponse> ListMachines(const v1::ListMachinesRequest& request);

  absl::StatusOr<v1::CreateTechnicianResponse> CreateTechnician(
      const v1::CreateTechnicianRequest& request);
  absl::StatusOr<v1::GetTechnicianResponse> GetTechnician(const v1::GetTechnicianRequest& request);
  absl::StatusOr<v1::UpdateTechnicianResponse> UpdateTechnician(
      const v1::UpdateTechnicianRequest& request);
  absl::StatusOr<v1::ListTechniciansResponse> ListTechnicians(
      const v1::ListTechniciansRequest& request);

  absl::StatusOr<v1::RecordWaterQualityTestResponse> RecordWaterQualityTest(
      const v1::RecordWaterQualityTestRequest& request);
  absl::StatusOr<v1::ListWaterQualityTestsResponse> ListWaterQualityTests(
      const v1::ListWaterQualityTestsRequest& request);

 private:
  Session& session_;
};

}  // namespace aquifer
