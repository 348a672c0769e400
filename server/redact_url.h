// Database URLs that may be shown.
#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace aquifer {

// The URL without its passwords. Hides too much rather than too little of a malformed one.
std::string RedactUrl(absl::string_view url);

}  // namespace aquifer
