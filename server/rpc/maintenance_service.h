// aquifer.v1.MaintenanceRepository over gRPC.
#pragma once

#include "server/rpc/rpc_service.h"

namespace aquifer {

class MaintenanceService final : public RpcService {
 public:
  explicit MaintenanceService(RpcRunner& rpc);
};

}  // namespace aquifer
