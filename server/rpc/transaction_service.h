// aquifer.v1.TransactionService over gRPC.
#pragma once

#include "server/rpc/rpc_service.h"

namespace aquifer {

class TransactionService final : public RpcService {
 public:
  explicit TransactionService(RpcRunner& rpc);
};

}  // namespace aquifer
