// `aquifer-server rollup ...`: what each action does and prints.
#pragma once

#include <iosfwd>

#include "server/options.h"
#include "server/rollup_action.h"

namespace aquifer {

// Runs the action and answers the exit code: 0 done, 1 failed, or sums that are wrong. Results go
// to `out`, problems to `err`. The database is found as for migrate.
int RunRollupCommand(const ServerOptions& options, RollupAction action, std::ostream& out,
                     std::ostream& err);

}  // namespace aquifer
