// Tells how the service is.
#pragma once

#include "aquifer/method.h"
#include "aquifer/v1/admin.pb.h"

namespace aquifer::client {

// Tells how the service is. The proto says more of each method, its errors above all.
class Admin : private Repository {
 public:
  using Repository::Repository;

  // One look at the whole: version, pool, database, health with what to do about it.
  const Unary<v1::GetStatusRequest, v1::GetStatusResponse> GetStatus{caller_};
};

}  // namespace aquifer::client
