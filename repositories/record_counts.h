// How many elements of a batch ended in which way.
#pragma once

#include "aquifer/v1/collection.pb.h"

namespace aquifer {

inline void CountOutcome(v1::RecordOutcome outcome, v1::RecordCounts& counts) {
  switch (outcome) {
    case v1::RECORD_OUTCOME_INSERTED:
      return counts.set_inserted(counts.inserted() + 1);
    case v1::RECORD_OUTCOME_UPDATED:
      return counts.set_updated(counts.updated() + 1);
    case v1::RECORD_OUTCOME_UNCHANGED:
      return counts.set_unchanged(counts.unchanged() + 1);
    case v1::RECORD_OUTCOME_SKIPPED:
      return counts.set_skipped(counts.skipped() + 1);
    default:
      return counts.set_rejected(counts.rejected() + 1);
  }
}

}  // namespace aquifer
