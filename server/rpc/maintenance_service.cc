#include "server/rpc/maintenance_service.h"

#include "repositories/maintenance_repository.h"

namespace aquifer {

MaintenanceService::MaintenanceService(RpcRunner& rpc)
    : RpcService(rpc, *v1::CreateTaskRequest::descriptor()->file()->service(0)) {
  using Repository = MaintenanceRepository;
  Unary(&Repository::CreateTask);
  Unary(&Repository::GetTask);
  Unary(&Repository::UpdateTask);
  Unary(&Repository::TransitionTask);
  Unary(&Repository::AssignTask);
  Unary(&Repository::DeleteTask);
  Unary(&Repository::ListTasks);
  Unary(&Repository::CountTasks);
  Unary(&Repository::ListAlerts);
  Unary(&Repository::UpsertMachines);
  Unary(&Repository::GetMachine);
  Unary(&Repository::UpdateMachine);
  Unary(&Repository::ListMachines);
  Unary(&Repository::CreateTechnician);
  Unary(&Repository::GetTechnician);
  Unary(&Repository::UpdateTechnician);
  Unary(&Repository::ListTechnicians);
  Unary(&Repository::RecordWaterQualityTest);
  Unary(&Repository::ListWaterQualityTests);
}

}  // namespace aquifer
