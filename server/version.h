// What this build is.
#pragma once

#include <absl/strings/string_view.h>

namespace aquifer {

// "0.1.0", from CMakeLists.txt.
absl::string_view Version();

}  // namespace aquifer
