// How an answer says that one element of a batch was refused.
#pragma once

#include <vector>

#include "aquifer/v1/collection.pb.h"
#include "repositories/errors.h"

namespace aquifer {

// Marks `result` (of a line or of a fetch's outcome) as rejected, with each reason.
template <typename Result>
void Reject(const std::vector<FieldViolation>& violations, Result& result) {
  result.set_outcome(v1::RECORD_OUTCOME_REJECTED);
  for (const FieldViolation& violation : violations) {
    auto* problem = result.mutable_rejection()->add_problems();
    problem->set_field(violation.field);
    problem->set_description(violation.description);
  }
}

}  // namespace aquifer
