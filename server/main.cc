#include "server/command_line.h"
#include "server/migrate_command.h"
#include "server/rollup_command.h"
#include "server/server.h"

int main(int argc, char** argv) {
  return aquifer::RunCommandLine(argc, argv,
                                 {.serve = aquifer::Serve,
                                  .migrate = aquifer::RunMigrateCommand,
                                  .rollup = aquifer::RunRollupCommand});
}
