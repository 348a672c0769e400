// Completion of the command line, made from the command line itself.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <memory>
#include <ostream>
#include <vector>

#include "client/cli/command.h"
#include "client/cli/exit_code.h"

namespace aquifer::cli {
namespace {

constexpr char kExamples[] =
    "  source <(aquifer completion bash)\n"
    "  aquifer completion bash >/etc/bash_completion.d/aquifer";

constexpr char kHead[] =
    R"(# Completion of aquifer for bash.
_aquifer() {
  local path=aquifer words= word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
)";
constexpr char kMiddle[] =
    R"( path="$path $word" ;;
    esac
  done
  case $path in
)";
constexpr char kTail[] =
    R"(  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _aquifer aquifer
)";

struct Words {
  std::vector<std::string> paths;
  std::string cases;
};

void Gather(const CLI::App& app, const std::string& path, Words& words) {
  std::vector<std::string> here;
  for (const CLI::App* child : app.get_subcommands(nullptr)) here.push_back(child->get_name());
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    for (const CLI::Option* option : level->get_options()) {
      if (level != &app && option->get_lnames() == std::vector<std::string>{"help"}) continue;
      for (const std::string& name : option->get_lnames()) here.push_back("--" + name);
    }
  }
  absl::StrAppend(&words.cases, "    '", path, "') words='", absl::StrJoin(here, " "), "' ;;\n");
  for (const CLI::App* child : app.get_subcommands(nullptr)) {
    const std::string below = absl::StrCat(path, " ", child->get_name());
    words.paths.push_back(absl::StrCat("'", below, "'"));
    Gather(*child, below, words);
  }
}

}  // namespace

void AddCompletion(const CommandTree& tree) {
  CLI::App& app = *tree.root.add_subcommand("completion", "Print the completion for a shell.");
  app.require_subcommand(1);
  app.footer("");
  const CLI::App& root = tree.root;
  tree.AddCommand(app, "bash", "Print the completion for bash.", kExamples,
                  [&root](Session& session) {
                    Words words;
                    Gather(root, "aquifer", words);
                    session.out() << kHead << "      " << absl::StrJoin(words.paths, " | ") << ")"
                                  << kMiddle << words.cases << kTail;
                    return kExitOk;
                  });
}

}  // namespace aquifer::cli
