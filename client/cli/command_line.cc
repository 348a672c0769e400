#include "client/cli/command_line.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <ostream>
#include <utility>

#include "client/cli/command.h"
#include "client/cli/exit_code.h"
#include "client/cli/table.h"

namespace aquifer::cli {
namespace {

constexpr char kDefaultAddress[] = "127.0.0.1:50051";

constexpr char kExamples[] =
    "Examples:\n"
    "  aquifer status\n"
    "  aquifer collections summary --days 2026-03-28 --by device\n"
    "  aquifer collections import march.csv\n"
    "  aquifer workers list -o json | jq .name\n"
    "  aquifer --address 10.0.0.1:50051,10.0.0.2:50051 tasks alerts\n"
    "  aquifer --address aquifer.example:443 --tls --token-file token status\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 asked wrongly, 3 nobody answers, 4 does not serve,\n"
    "5 imported, but some lines were rejected.";

// Where the environment says something of what no flag does.
struct Variable {
  const char* name;
  std::string& value;
};

// TLS is asked for or not, and nothing in between: a slip of the pen must not mean plaintext.
absl::Status SetTls(const std::string& text, bool& tls) {
  if (text.empty() || text == "0" || text == "no") return absl::OkStatus();
  if (text != "1" && text != "yes") {
    return absl::InvalidArgumentError(
        absl::StrCat("AQUIFER_TLS must be 1 or yes, or 0 or no, not ", text));
  }
  tls = true;
  return absl::OkStatus();
}

absl::Status FillFrom(const Environment& environment, GlobalOptions& options) {
  for (const Variable& variable : {Variable{"AQUIFER_ADDRESS", options.address},
                                   Variable{"AQUIFER_TLS_CA", options.credentials.authorities},
                                   Variable{"AQUIFER_TLS_CERT", options.credentials.certificate},
                                   Variable{"AQUIFER_TLS_KEY", options.credentials.private_key},
                                   Variable{"AQUIFER_TOKEN_FILE", options.credentials.token}}) {
    if (variable.value.empty()) variable.value = environment(variable.name);
  }
  if (options.address.empty()) options.address = kDefaultAddress;
  return SetTls(environment("AQUIFER_TLS"), options.tls);
}

void AddCredentialFlags(CLI::App& app, GlobalOptions& options) {
  CredentialFiles& files = options.credentials;
  app.add_flag("--tls", options.tls, "Connect over TLS (AQUIFER_TLS=1); each --tls-... means it.");
  app.add_option("--tls-ca", files.authorities,
                 "Who may have signed the server's certificate (AQUIFER_TLS_CA), in PEM form; "
                 "the system's authorities without it.")
      ->type_name("FILE");
  app.add_option("--tls-cert", files.certificate,
                 "The certificate to show the server (AQUIFER_TLS_CERT).")
      ->type_name("FILE");
  app.add_option("--tls-key", files.private_key, "Its private key (AQUIFER_TLS_KEY).")
      ->type_name("FILE");
  app.add_option("--token-file", files.token,
                 "The bearer token to send (AQUIFER_TOKEN_FILE); needs TLS.")
      ->type_name("FILE");
}

void AddGlobals(CLI::App& app, GlobalOptions& options) {
  app.add_option("--address", options.address,
                 "Where the server is, or unix:PATH (AQUIFER_ADDRESS, 127.0.0.1:50051); several "
                 "between commas.")
      ->type_name("HOST:PORT");
  app.add_option_function<double>(
         "--timeout", [&options](double s) { options.timeout = absl::Seconds(s); },
         "How long a call may take; the API's own without it.")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 86'400.0).description(""));
  app.add_option("--consistency", options.consistency,
                 "How new what is read must be: strong, at-least=TOKEN, stale=SECONDS or any; but "
                 "for strong a replica may answer.")
      ->type_name("WORD");
  app.add_flag("--show-token", options.show_token,
               "Tell each write's token on standard error, for --consistency at-least=TOKEN.");
  const std::map<std::string, Output> outputs = {{"table", Output::kTable},
                                                 {"json", Output::kJson}};
  app.add_option("-o,--output", options.output, "A table for people, or JSON, a record a line.")
      ->type_name("table|json")
      ->transform(CLI::CheckedTransformer(outputs).description(""));
  app.add_flag("--yes", options.yes, "Do what destroys without asking.");
}

// Tells of a word that is no command before anything that is missing.
int Refuse(const CLI::App& app, const CLI::ParseError& error, std::ostream& err) {
  const std::vector<std::string> left = app.remaining(true);
  const bool lacks = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
  err << "aquifer: ";
  if (lacks && !left.empty()) {
    err << Harmless(left.front()) << " is nothing known here";
  } else {
    err << Harmless(error.what());
  }
  err << "; --help tells more\n";
  return kExitUsage;
}

}  // namespace

CLI::App& CommandTree::AddGroup(const std::string& name, const std::string& summary) const {
  CLI::App& app = *root.add_subcommand(name, summary);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer("");  // Else it shows its parent's.
  return app;
}

CLI::App& CommandTree::AddCommand(CLI::App& parent, const std::string& name,
                                  const std::string& summary, const std::string& examples,
                                  Action action) const {
  CLI::App& app = *parent.add_subcommand(name, summary);
  app.fallthrough();
  app.footer(absl::StartsWith(examples, "  ") ? absl::StrCat("Examples:\n", examples) : examples);
  app.callback([chosen = &chosen, action = std::move(action)] { *chosen = action; });
  return app;
}

int RunCommandLine(std::vector<std::string> arguments, const Environment& environment,
                   const Streams& streams) {
  CLI::App app{"Operates Aquifer from a terminal and from scripts.", "aquifer"};
  app.set_help_flag("-h,--help", "Show this help.");
  app.set_version_flag("--version", "aquifer " AQUIFER_VERSION, "Show the version.");
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  app.require_subcommand(1);
  GlobalOptions options;
  AddGlobals(app, options);
  AddCredentialFlags(app, options);
  Action chosen;
  const CommandTree tree{app, chosen};
  for (const auto add : {AddStatus, AddTop, AddHealth, AddCollections, AddWorkers, AddTasks,
                         AddMachines, AddJobs, AddCall, AddCompletion}) {
    add(tree);
  }
  // CLI11 takes them from the back.
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, streams.out, streams.err);
    return Refuse(app, error, streams.err);
  }
  if (absl::Status status = FillFrom(environment, options); !status.ok()) {
    streams.err << "aquifer: " << Harmless(std::string(status.message())) << "\n";
    return kExitUsage;
  }
  Session session(streams, options);
  const absl::StatusOr<int> code = chosen(session);
  if (!code.ok()) return session.Fail(code.status());
  streams.out.flush();
  if (streams.out.good()) return *code;
  return session.Fail(absl::UnknownError("the answer could not be written"));
}

}  // namespace aquifer::cli
