// Keeps tasks, machines, technicians and water-quality tests.
#pragma once

#include "aquifer/method.h"
#include "aquifer/v1/maintenance.pb.h"

namespace aquifer::client {

// Keeps tasks, machines, technicians and water-quality tests. The proto says more of each method,
// its errors above all.
class Maintenance : private Repository {
 public:
  using Repository::Repository;

  // Creates a task: SCHEDULED if it says when, else PENDING.
  const Unary<v1::CreateTaskRequest, v1::CreateTaskResponse> CreateTask{caller_};

  // Reads one task.
  const Unary<v1::GetTaskRequest, v1::GetTaskResponse> GetTask{caller_};

  // Changes what the mask names of a task's details, finished or not.
  const Unary<v1::UpdateTaskRequest, v1::UpdateTaskResponse> UpdateTask{caller_};

  // Moves a task to another state, if that move is legal.
  const Unary<v1::TransitionTaskRequest, v1::TransitionTaskResponse> TransitionTask{caller_};

  // Gives a task to a technician, or to nobody; a finished one too, so that the record can be
  // set right.
  const Unary<v1::AssignTaskRequest, v1::AssignTaskResponse> AssignTask{caller_};

  // Deletes a task for good; CANCELLED is the state of one that is merely not done.
  const Unary<v1::DeleteTaskRequest, v1::DeleteTaskResponse> DeleteTask{caller_};

  // Lists tasks page by page, newest first unless asked otherwise.
  const Unary<v1::ListTasksRequest, v1::ListTasksResponse> ListTasks{caller_};

  // Counts tasks by state, priority and type, and those that are overdue, all at one moment.
  const Unary<v1::CountTasksRequest, v1::CountTasksResponse> CountTasks{caller_};

  // Lists what is urgent: tasks of priority HIGH or CRITICAL, and overdue ones.
  const Unary<v1::ListAlertsRequest, v1::ListAlertsResponse> ListAlerts{caller_};

  // Registers up to 1,000 machines, or sets what is given of those already there, in one
  // transaction, and answers machine by machine.
  const Unary<v1::UpsertMachinesRequest, v1::UpsertMachinesResponse> UpsertMachines{caller_};

  // Reads one machine.
  const Unary<v1::GetMachineRequest, v1::GetMachineResponse> GetMachine{caller_};

  // Changes what the mask names of a machine's details, and clears what it names and the
  // request does not set.
  const Unary<v1::UpdateMachineRequest, v1::UpdateMachineResponse> UpdateMachine{caller_};

  // Lists machines page by page, by device id.
  const Unary<v1::ListMachinesRequest, v1::ListMachinesResponse> ListMachines{caller_};

  // Adds a technician.
  const Unary<v1::CreateTechnicianRequest, v1::CreateTechnicianResponse> CreateTechnician{caller_};

  // Reads one technician.
  const Unary<v1::GetTechnicianRequest, v1::GetTechnicianResponse> GetTechnician{caller_};

  // Changes what the mask names of a technician's details.
  const Unary<v1::UpdateTechnicianRequest, v1::UpdateTechnicianResponse> UpdateTechnician{caller_};

  // Lists technicians page by page, by id.
  const Unary<v1::ListTechniciansRequest, v1::ListTechniciansResponse> ListTechnicians{caller_};

  // Stores a test and rates its machine by it in the same transaction, unless a later test
  // already did.
  const Unary<v1::RecordWaterQualityTestRequest, v1::RecordWaterQualityTestResponse>
      RecordWaterQualityTest{caller_};

  // Lists tests page by page, newest first.
  const Unary<v1::ListWaterQualityTestsRequest, v1::ListWaterQualityTestsResponse>
      ListWaterQualityTests{caller_};
};

}  // namespace aquifer::client
