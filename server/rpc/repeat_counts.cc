#include "server/rpc/repeat_counts.h"

#include "repositories/errors.h"

namespace aquifer {

void RepeatCounts::Count(const absl::Status& status, bool replayed) {
  if (status.ok()) {
    ++(replayed ? replayed_ : kept_);
  } else if (ReasonOf(status) == EntryOf(Reason::kRequestIdReused).name) {
    ++refused_;
  }
}

}  // namespace aquifer
