// aquifer.v1.Admin over gRPC.
#pragma once

#include <functional>

#include "aquifer/v1/admin.pb.h"
#include "server/rpc/rpc_service.h"

namespace aquifer {

class AdminService final : public RpcService {
 public:
  // `status` gives the present status from memory; it must be thread-safe and outlive the service.
  AdminService(RpcRunner& rpc, std::function<v1::GetStatusResponse()> status);
};

}  // namespace aquifer
