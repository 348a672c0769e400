// What somebody may have meant by a name that does not exist.
#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace aquifer {

// The one of `names` that takes the fewest changed letters to get to, if they are few; else "".
std::string SimilarName(absl::string_view name, const std::vector<std::string>& names);

}  // namespace aquifer
