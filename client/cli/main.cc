#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "client/cli/command_line.h"

int main(int count, char** arguments) {
  std::ios::sync_with_stdio(false);
  const char* const address = std::getenv("AQUIFER_ADDRESS");
  return aquifer::cli::RunCommandLine({arguments + 1, arguments + count},
                                      address == nullptr ? "" : address,
                                      {.in = std::cin,
                                       .out = std::cout,
                                       .err = std::cerr,
                                       .in_is_terminal = isatty(STDIN_FILENO) == 1,
                                       .err_is_terminal = isatty(STDERR_FILENO) == 1});
}
