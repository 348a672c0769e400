#include "repositories/retry_advice.h"

#include <algorithm>
#include <string>

#include "repositories/errors.h"

namespace aquifer {

void AdviseRetry(absl::Status& status, absl::Duration delay) {
  const std::string reason = ReasonOf(status);
  const auto catalogue = ErrorCatalogue();
  const auto entry =
      std::find_if(catalogue.begin(), catalogue.end(),
                   [&reason](const ErrorEntry& candidate) { return candidate.name == reason; });
  if (entry == catalogue.end() || entry->retry != Retry::kSafe) return;
  if (!RetryDelayOf(status)) SetRetryDelay(status, delay);
}

}  // namespace aquifer
