#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "client/cli/command_line.h"

int main(int count, char** arguments) {
  std::ios::sync_with_stdio(false);
  const auto environment = [](const char* name) -> std::string {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  return aquifer::cli::RunCommandLine({arguments + 1, arguments + count}, environment,
                                      {.in = std::cin,
                                       .out = std::cout,
                                       .err = std::cerr,
                                       .in_is_terminal = isatty(STDIN_FILENO) == 1,
                                       .err_is_terminal = isatty(STDERR_FILENO) == 1});
}
