// aquifer.v1.WorkerRepository over gRPC.
#pragma once

#include "server/rpc/rpc_service.h"

namespace aquifer {

class WorkerService final : public RpcService {
 public:
  explicit WorkerService(RpcRunner& rpc);
};

}  // namespace aquifer
