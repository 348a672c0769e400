// Whether the writes of a request may run.
#pragma once

#include <vector>

#include "aquifer/v1/transaction.pb.h"
#include "repositories/errors.h"

namespace aquifer {

// Every violation in every write: of its own rules, with a stand-in for each id that it takes from
// another, and of what only Execute demands.
std::vector<FieldViolation> CheckWrites(const v1::ExecuteRequest& request);

}  // namespace aquifer
