// `aquifer-server migrate ...`: what each action does and prints.
#pragma once

#include <iosfwd>

#include "server/migrate_arguments.h"
#include "server/options.h"

namespace aquifer {

// Runs the action and answers the exit code: 0 done, 1 failed. Results and progress go to `out`,
// problems to `err`. Without a database URL it works on the embedded PostgreSQL: through the server
// that runs it, or by starting it for the time of the command. Only `up` makes one where there is
// none; the others say so and are done.
int RunMigrateCommand(const ServerOptions& options, const MigrateArguments& arguments,
                      std::ostream& out, std::ostream& err);

}  // namespace aquifer
