// The program's command line: finds the command and runs it.
#pragma once

#include <string>
#include <vector>

#include "client/cli/session.h"

namespace aquifer::cli {

// Runs what `arguments` (without the program's name) ask for, and answers the exit code of
// exit_code.h. `environment_address` is AQUIFER_ADDRESS, empty if that is not set.
int RunCommandLine(std::vector<std::string> arguments, const std::string& environment_address,
                   const Streams& streams);

}  // namespace aquifer::cli
