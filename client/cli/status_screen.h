// One screen that tells how the service is.
#pragma once

#include <string>

#include "aquifer/v1/admin.pb.h"

namespace aquifer::cli {

std::string StatusScreen(const v1::GetStatusResponse& status);

}  // namespace aquifer::cli
