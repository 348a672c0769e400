#include "server/rpc/admin_service.h"

#include <utility>

namespace aquifer {

AdminService::AdminService(RpcRunner& rpc, std::function<v1::GetStatusResponse()> status)
    : RpcService(rpc, *v1::GetStatusRequest::descriptor()->file()->service(0)) {
  Local<v1::GetStatusRequest, v1::GetStatusResponse>(
      [status = std::move(status)](const v1::GetStatusRequest&) { return status(); });
}

}  // namespace aquifer
