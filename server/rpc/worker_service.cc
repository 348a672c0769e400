#include "server/rpc/worker_service.h"

#include "repositories/worker_repository.h"

namespace aquifer {

WorkerService::WorkerService(RpcRunner& rpc)
    : RpcService(rpc, *v1::RegisterWorkerRequest::descriptor()->file()->service(0)) {
  using Repository = WorkerRepository;
  Unary(&Repository::RegisterWorker);
  Unary(&Repository::CreateWorker);
  Unary(&Repository::GetWorker);
  Unary(&Repository::UpdateWorker);
  Unary(&Repository::ListWorkers);
  Unary(&Repository::ListSummaryRecipients);
  Unary(&Repository::SetWorkersActive);
  Unary(&Repository::SetDialogueState);
  Unary(&Repository::DeleteWorker);
  Unary(&Repository::StartShift);
  Unary(&Repository::EndShift);
  Unary(&Repository::RecordWorkPoint);
  Unary(&Repository::ListWorkPoints);
  Unary(&Repository::GetWorkerStatistics);
  Unary(&Repository::ListInactiveCollectors);
  Unary(&Repository::SetAssignedDevices);
  Unary(&Repository::ListAssignedDevices);
}

}  // namespace aquifer
