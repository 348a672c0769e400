// The commands of collections that are more than one method.
#pragma once

#include "client/cli/command.h"

namespace aquifer::cli {

void AddImport(const CommandTree& tree, CLI::App& collections);
void AddExport(const CommandTree& tree, CLI::App& collections);
void AddDelete(const CommandTree& tree, CLI::App& collections);

}  // namespace aquifer::cli
