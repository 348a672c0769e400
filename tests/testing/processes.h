// The processes beside a test.
#pragma once

#include <sys/types.h>

#include <vector>

namespace aquifer::testing {

// The processes that `parent` started and that still run. Their names must have no spaces, as
// PostgreSQL's have none.
std::vector<pid_t> ChildrenOf(pid_t parent);

}  // namespace aquifer::testing
