#include "server/rpc/job_service.h"

#include "repositories/job_repository.h"

namespace aquifer {

JobService::JobService(RpcRunner& rpc)
    : RpcService(rpc, *v1::BeginJobRunRequest::descriptor()->file()->service(0)) {
  using Repository = JobRepository;
  Unary(&Repository::BeginJobRun);
  Unary(&Repository::RenewJobRun);
  Unary(&Repository::FinishJobRun);
  Unary(&Repository::ListJobRuns);
  Unary(&Repository::RecordDelivery, &Repository::RecordDeliveryJoined);
  Unary(&Repository::ListUndelivered);
}

}  // namespace aquifer
