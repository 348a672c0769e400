// One screen that tells how the service is.
#pragma once

#include <string>

#include "aquifer/v1/admin.pb.h"

namespace aquifer::cli {

// With so many of the statements at most, the costliest.
std::string StatusScreen(const v1::GetStatusResponse& status, int most_statements);

}  // namespace aquifer::cli
