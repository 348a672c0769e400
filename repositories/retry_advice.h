// When to try again, for errors whose maker did not say.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace aquifer {

// Gives `status` this delay where a retry is safe and it has none yet, so that nobody who makes
// such an error has to think of it.
void AdviseRetry(absl::Status& status, absl::Duration delay);

}  // namespace aquifer
