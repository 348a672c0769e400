// The composition root: builds everything in order, stops it in reverse.
#pragma once

#include "server/options.h"

namespace aquifer {

// Runs the server until SIGINT or SIGTERM, then stops it cleanly: NOT_SERVING, a notice period, no
// new calls, drain, close the pool, final figures. A second signal cuts notice and drain short.
// Returns the process's exit code; what kept it from starting is one clear line on standard error.
int Serve(const ServerOptions& options);

}  // namespace aquifer
