// The program's command line: finds the command and runs it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/cli/session.h"

namespace aquifer::cli {

// What the environment says under a name such as AQUIFER_ADDRESS; empty if that is not set.
using Environment = std::function<std::string(const char* name)>;

// Runs what `arguments` (without the program's name) ask for, and answers the exit code of
// exit_code.h.
int RunCommandLine(std::vector<std::string> arguments, const Environment& environment,
                   const Streams& streams);

}  // namespace aquifer::cli
