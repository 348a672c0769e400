#include "server/rpc/transaction_service.h"

#include "repositories/transaction_repository.h"

namespace aquifer {

TransactionService::TransactionService(RpcRunner& rpc)
    : RpcService(rpc, *v1::ExecuteRequest::descriptor()->file()->service(0)) {
  Unary(&TransactionRepository::Execute);
}

}  // namespace aquifer
