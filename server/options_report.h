// Settings for people and for scripts to read.
#pragma once

#include <string>

#include "server/options_loader.h"

namespace aquifer {

// A sentence for the help: what it is, what it takes, its default.
std::string HelpOf(const OptionSpec& spec);
// What stands for its value in the help: "N", "MS", "TEXT".
std::string PlaceholderOf(const OptionSpec& spec);

// Every setting in force, its value without secrets, and where that comes from.
std::string OptionsInForceAsTable(const LoadedOptions& loaded);
std::string OptionsInForceAsJson(const LoadedOptions& loaded);

}  // namespace aquifer
