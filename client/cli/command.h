// How a command comes to stand on the command line.
#pragma once

#include <absl/status/statusor.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "client/cli/session.h"

namespace aquifer::cli {

// What a command does: its exit code, or the error for Session::Fail.
using Action = std::function<absl::StatusOr<int>(Session&)>;

// The command line as it grows; notes which command was asked for.
struct CommandTree {
  CLI::App& root;
  // Filled in by the parse.
  Action& chosen;

  // A command that holds others.
  CLI::App& AddGroup(const std::string& name, const std::string& summary) const;
  // A command that does something. `examples` are shown below its help, two blanks before each.
  CLI::App& AddCommand(CLI::App& parent, const std::string& name, const std::string& summary,
                       const std::string& examples, Action action) const;
};

// Each adds its commands.
void AddStatus(const CommandTree& tree);
void AddTop(const CommandTree& tree);
void AddHealth(const CommandTree& tree);
void AddCollections(const CommandTree& tree);
void AddWorkers(const CommandTree& tree);
void AddTasks(const CommandTree& tree);
void AddMachines(const CommandTree& tree);
void AddJobs(const CommandTree& tree);
void AddCall(const CommandTree& tree);
void AddCompletion(const CommandTree& tree);

}  // namespace aquifer::cli
