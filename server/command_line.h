// The program's command line: finds the command, loads the options, and hands both on.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "server/exit_code.h"
#include "server/migrate_arguments.h"
#include "server/options.h"
#include "server/options_loader.h"
#include "server/rollup_action.h"

namespace aquifer {

// What the commands that do something call; each answers the exit code. Given from outside, so
// that reading a command line links neither the server nor the migrator.
struct Commands {
  std::function<int(const ServerOptions&)> serve;
  // Writes its answer to the first stream and problems to the second.
  std::function<int(const ServerOptions&, const MigrateArguments&, std::ostream&, std::ostream&)>
      migrate;
  std::function<int(const ServerOptions&, RollupAction, std::ostream&, std::ostream&)> rollup;
};

// Runs the command that `arguments` (without the program's name) ask for, and answers the exit
// code of exit_code.h. Answers go to `out`, problems to `err`.
int RunCommandLine(const std::vector<std::string>& arguments, OptionSources sources,
                   const Commands& commands, std::ostream& out, std::ostream& err);

// The same for main: this process's arguments, environment and streams.
int RunCommandLine(int argc, char** argv, const Commands& commands);

}  // namespace aquifer
