// Runs writes of every repository in one transaction.
#pragma once

#include "aquifer/method.h"
#include "aquifer/v1/transaction.pb.h"

namespace aquifer::client {

// Runs writes of every repository in one transaction. The proto says more of each method, its
// errors above all.
class Transactions : private Repository {
 public:
  using Repository::Repository;

  // Runs up to 100 writes in order, in one transaction, and answers what each answered.
  const Unary<v1::ExecuteRequest, v1::ExecuteResponse> Execute{caller_};
};

}  // namespace aquifer::client
