// The flags that select collections, the same for every command that does.
#pragma once

#include <string>
#include <vector>

#include "client/cli/method_command.h"

namespace aquifer::cli {

// For a request with a CollectionFilter named `filter`, and `more` beside them.
std::vector<Argument> WithFilter(std::vector<Argument> more = {});

}  // namespace aquifer::cli
