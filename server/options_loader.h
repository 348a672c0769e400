// Makes the options in force out of the defaults, the profile, the environment and the flags, each
// outranking the one before.
#pragma once

#include <absl/strings/string_view.h>

#include <map>
#include <string>
#include <vector>

#include "server/options_table.h"

namespace aquifer {

// Where settings come from, and what the computed defaults need to know.
struct OptionSources {
  // The process's environment, whole.
  std::map<std::string, std::string> environment = {};
  // Flags given, by the setting's name.
  std::map<std::string, std::string> flags = {};
  bool is_root = false;
  std::string host_name = {};
  int process_id = 0;
};

// The sources as this process has them; flags stay empty.
OptionSources SourcesOfThisProcess();

enum class OptionSource { kDefault, kProfile, kEnvironment, kFlag };

// "default", "profile", "environment" or "flag".
absl::string_view NameOf(OptionSource source);

struct LoadedOptions {
  ServerOptions options;
  // Where each setting's value comes from, in the order of OptionTable().
  std::vector<OptionSource> sources;
  // What is wrong, a sentence each with the name, the value unless it is secret, and what is
  // allowed; all of it at once. The options hold only if this is empty.
  std::vector<std::string> problems;
};

// An empty environment variable counts as not set, as compose files and manifests leave them.
LoadedOptions LoadOptions(const OptionSources& sources);

}  // namespace aquifer
