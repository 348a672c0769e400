#include "server/version.h"

namespace aquifer {

absl::string_view Version() { return AQUIFER_VERSION; }

}  // namespace aquifer
