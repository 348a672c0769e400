// aquifer.v1.JobRepository over gRPC.
#pragma once

#include "server/rpc/rpc_service.h"

namespace aquifer {

class JobService final : public RpcService {
 public:
  explicit JobService(RpcRunner& rpc);
};

}  // namespace aquifer
