// aquifer.v1.CollectionRepository over gRPC.
#pragma once

#include "server/rpc/rpc_service.h"

namespace aquifer {

class CollectionService final : public RpcService {
 public:
  explicit CollectionService(RpcRunner& rpc);
};

}  // namespace aquifer
