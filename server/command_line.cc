#include "server/command_line.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "server/documentation.h"
#include "server/options_report.h"
#include "server/similar_name.h"
#include "server/version.h"

namespace aquifer {
namespace {

constexpr char kSummary[] =
    "Aquifer: the one pool every well draws from. Serves the fleet's data over gRPC\n"
    "and owns the only connections to its PostgreSQL.";

constexpr char kExamples[] =
    "Without a command it serves. Settings are flags or environment variables of the\n"
    "same name: --pool-max 30 or AQUIFER_POOL_MAX=30. A flag outranks the environment,\n"
    "which outranks the profile. aquifer-server serve --help lists every setting.\n"
    "\n"
    "Examples:\n"
    "  aquifer-server                                 serve over an embedded PostgreSQL\n"
    "  aquifer-server --port 0                        the same on a free port, printed\n"
    "  DATABASE_URL=postgresql://... aquifer-server   serve over a database of yours\n"
    "  aquifer-server config --profile production     show what would be in force\n"
    "  aquifer-server migrate up --dry-run            show what a migration would do\n"
    "  aquifer-server rollup check                    compare the sums of past days with their "
    "lines\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 asked wrongly.";

constexpr char kServeExamples[] =
    "Stops cleanly on SIGTERM or Ctrl-C: shows NOT_SERVING, lets running calls end.\n"
    "\n"
    "Examples:\n"
    "  aquifer-server serve --port 50061 --data-dir /srv/aquifer\n"
    "  DATABASE_URL=postgresql://aquifer@db/fleet aquifer-server serve --profile production\n"
    "  PGHOST=/run/postgresql PGDATABASE=fleet aquifer-server serve";

constexpr char kConfigExamples[] =
    "Sources, each outranking the one before: default, profile, environment, flag.\n"
    "\n"
    "Examples:\n"
    "  aquifer-server config\n"
    "  aquifer-server config --profile staging --json";

constexpr char kMigrateExamples[] =
    "The database is the one the server would use; the settings of serve apply.\n"
    "\n"
    "Examples:\n"
    "  aquifer-server migrate status\n"
    "  aquifer-server migrate up --dry-run\n"
    "  aquifer-server migrate down --to 3 --yes\n"
    "  aquifer-server migrate create add_worker_shifts --dir repositories/migrations";

constexpr char kRollupExamples[] =
    "Summaries are read from sums that the server keeps of each day but today. What they were\n"
    "made of is marked as changed by every write, and read itself until it is summed\n"
    "anew; so sums are wrong only if somebody wrote with the table's triggers disabled.\n"
    "\n"
    "Examples:\n"
    "  aquifer-server rollup check\n"
    "  aquifer-server rollup rebuild";

// Reads one command line. Lives as long as the CLI::App that points into it.
class CommandLine {
 public:
  CommandLine(OptionSources sources, const Commands& commands, std::ostream& out, std::ostream& err)
      : sources_(std::move(sources)), commands_(commands), out_(out), err_(err) {
    app_.set_help_flag("-h,--help", "Show this help.");
    app_.set_version_flag("--version", VersionLine(), "Show the version.");
    app_.get_formatter()->column_width(34);
    app_.footer(kExamples);
    app_.allow_extras();
    app_.require_subcommand(0, 1);
    // In the root's help they would bury the commands.
    AddSettings(app_, Listed::kNo);
    AddServe();
    AddMigrate();
    AddRollup();
    AddConfig();
    AddDocs();
    Subcommand(app_, "version", "Show the version.")->callback([this] {
      run_ = [this] { return Print(VersionLine() + "\n"); };
    });
    run_ = [this] { return Serve(); };
  }

  int Run(std::vector<std::string> arguments) {
    // CLI11 takes them from the back.
    std::reverse(arguments.begin(), arguments.end());
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app_.exit(error, out_, err_);
      problems_.push_back(error.what());
    }
    RefuseExtras(app_);
    if (problems_.empty()) return run_();
    // With a setting that is wrong as well, better told at once than one by one.
    for (std::string& problem : LoadOptions(sources_).problems) {
      problems_.push_back(std::move(problem));
    }
    return Refuse();
  }

 private:
  enum class Listed { kNo, kYes };

  static std::string VersionLine() { return absl::StrCat("aquifer-server ", Version()); }

  CLI::App* Subcommand(CLI::App& parent, const std::string& name, const std::string& summary) {
    CLI::App* app = parent.add_subcommand(name, summary);
    app->allow_extras();
    app->footer("");  // Else it shows its parent's.
    return app;
  }

  void AddSettings(CLI::App& app, Listed listed) {
    for (const OptionSpec& spec : OptionTable()) {
      app.add_option_function<std::string>(
             FlagOf(spec),
             [this, &spec](const std::string& value) {
               sources_.flags[std::string(spec.name)] = value;
             },
             HelpOf(spec))
          ->type_name(PlaceholderOf(spec))
          ->group(listed == Listed::kYes ? std::string(spec.group) : "");
    }
  }

  void AddServe() {
    CLI::App* serve = Subcommand(app_, "serve", "Serve calls; the default.");
    AddSettings(*serve, Listed::kYes);
    serve->footer(kServeExamples);
  }

  void AddConfig() {
    CLI::App* config =
        Subcommand(app_, "config", "Show every setting in force and where it comes from.");
    config->add_flag("--json", json_, "As JSON.");
    AddSettings(*config, Listed::kYes);
    config->footer(kConfigExamples);
    config->callback([this] { run_ = [this] { return Config(); }; });
  }

  void AddDocs() {
    CLI::App* docs = Subcommand(app_, "docs", "Print the README's tables in Markdown.");
    docs->require_subcommand(1);
    AddTable(*docs, "options", "Every setting.", OptionsMarkdown);
    AddTable(*docs, "errors", "Every error and what to do about it.", ErrorsMarkdown);
    AddTable(*docs, "rpcs", "Every method and its policy.", RpcsMarkdown);
    AddTable(*docs, "moves", "The legal moves of a maintenance task.", TaskMovesMarkdown);
  }

  void AddTable(CLI::App& docs, const std::string& name, const std::string& summary,
                std::string (*table)()) {
    Subcommand(docs, name, summary)->callback([this, table] {
      run_ = [this, table] { return Print(table()); };
    });
  }

  void AddMigrate() {
    CLI::App* migrate = Subcommand(app_, "migrate", "Look at or change the database's schema.");
    migrate->require_subcommand(1);
    migrate->footer(kMigrateExamples);
    AddSettings(*migrate, Listed::kNo);
    CLI::App* up =
        AddMigrateAction(*migrate, "up", "Apply pending migrations.", MigrateAction::kUp);
    AddMove(*up, "The version to end at; all without it.", "Apply this many at most.");
    CLI::App* down = AddMigrateAction(*migrate, "down", "Take migrations back; needs --yes.",
                                      MigrateAction::kDown);
    AddMove(*down, "The version to end at.", "Take back this many; 1 without it and --to.");
    down->add_flag("--yes", migrate_.yes, "Do it: the data in what is dropped is lost.");
    AddMigrateAction(*migrate, "status", "Show what is applied and what is pending.",
                     MigrateAction::kStatus);
    AddMigrateAction(*migrate, "history", "Show every migration ever run, with its duration.",
                     MigrateAction::kHistory);
    AddMigrateAction(*migrate, "validate", "Compare the applied migrations with this program's.",
                     MigrateAction::kValidate);
    CLI::App* create = AddMigrateAction(*migrate, "create", "Write the files of a new migration.",
                                        MigrateAction::kCreate);
    create->add_option("name", migrate_.name, "What it does, such as add_worker_shifts.")
        ->required();
    create->add_option("--dir", migrate_.directory, "Where the files go.")
        ->type_name("DIR")
        ->capture_default_str();
  }

  void AddRollup() {
    CLI::App* rollup = Subcommand(app_, "rollup", "Look at or rebuild the sums of days.");
    rollup->require_subcommand(1);
    rollup->footer(kRollupExamples);
    AddSettings(*rollup, Listed::kNo);
    AddRollupAction(*rollup, "status", "Show how many days are summed, and how many wait.",
                    RollupAction::kStatus);
    AddRollupAction(*rollup, "check", "Compare every sum with its lines.", RollupAction::kCheck);
    AddRollupAction(*rollup, "rebuild", "Sum every day anew; calls are served meanwhile.",
                    RollupAction::kRebuild);
  }

  void AddRollupAction(CLI::App& rollup, const std::string& name, const std::string& summary,
                       RollupAction action) {
    CLI::App* app = Subcommand(rollup, name, summary);
    AddSettings(*app, Listed::kNo);
    app->callback([this, action] { run_ = [this, action] { return Rollup(action); }; });
  }

  CLI::App* AddMigrateAction(CLI::App& migrate, const std::string& name, const std::string& summary,
                             MigrateAction action) {
    CLI::App* app = Subcommand(migrate, name, summary);
    AddSettings(*app, Listed::kNo);
    app->callback([this, action] {
      migrate_.action = action;
      run_ = [this] { return Migrate(); };
    });
    return app;
  }

  void AddMove(CLI::App& app, const std::string& to_help, const std::string& steps_help) {
    CLI::Option* to = app.add_option("--to", migrate_.to, to_help);
    to->type_name("VERSION")->check(Within(0, 9999));
    app.add_option("--steps", migrate_.steps, steps_help)
        ->type_name("N")
        ->check(Within(1, 9999))
        ->excludes(to);
    app.add_flag("--dry-run", migrate_.dry_run, "Tell what would be done, and do nothing.");
    AddMilliseconds(app, "--wait-ms", migrate_.wait,
                    "How long to wait for another instance that migrates (300000).");
    AddMilliseconds(app, "--lock-timeout-ms", migrate_.lock_timeout,
                    "How long a migration may wait for a table's lock (5000).");
  }

  // A range that stays out of the help's first column.
  static CLI::Validator Within(int least, int most) {
    return CLI::Range(least, most).description("");
  }

  static void AddMilliseconds(CLI::App& app, const std::string& flag, absl::Duration& duration,
                              const std::string& help) {
    app.add_option_function<int>(
           flag, [&duration](int ms) { duration = absl::Milliseconds(ms); }, help)
        ->type_name("MS")
        ->check(Within(1, 86'400'000));
  }

  // Only names are shown: what follows an unknown flag may be a password.
  void RefuseExtras(const CLI::App& app) {
    for (const CLI::App* child : app.get_subcommands()) RefuseExtras(*child);
    bool after_flag = false;
    for (const std::string& extra : app.remaining()) {
      if (absl::StartsWith(extra, "-")) {
        RefuseFlag(extra.substr(0, extra.find('=')));
      } else if (!after_flag) {
        problems_.push_back(
            absl::StrCat("\"", extra, "\" is no command; aquifer-server --help", " lists them"));
      }
      after_flag = absl::StartsWith(extra, "-");
    }
  }

  void RefuseFlag(const std::string& flag) {
    std::vector<std::string> known;
    for (const OptionSpec& spec : OptionTable()) known.push_back(FlagOf(spec));
    const std::string similar = SimilarName(flag, known);
    problems_.push_back(absl::StrCat(
        flag, " is no flag here; ",
        similar.empty() ? "--help lists them" : absl::StrCat("did you mean ", similar, "?")));
  }

  int Refuse() {
    for (const std::string& problem : problems_) err_ << "aquifer-server: " << problem << "\n";
    return kExitUsage;
  }

  int Print(const std::string& text) {
    out_ << text << std::flush;
    return kExitOk;
  }

  // Loads the options and runs `f` with them, or tells what is wrong with them.
  template <typename F>
  int WithOptions(F f) {
    LoadedOptions loaded = LoadOptions(sources_);
    problems_ = loaded.problems;
    return problems_.empty() ? f(loaded) : Refuse();
  }

  int Serve() {
    return WithOptions(
        [&](const LoadedOptions& loaded) { return commands_.serve(loaded.options); });
  }

  int Migrate() {
    return WithOptions([&](const LoadedOptions& loaded) {
      return commands_.migrate(loaded.options, migrate_, out_, err_);
    });
  }

  int Rollup(RollupAction action) {
    return WithOptions([&](const LoadedOptions& loaded) {
      return commands_.rollup(loaded.options, action, out_, err_);
    });
  }

  int Config() {
    return WithOptions([&](const LoadedOptions& loaded) {
      return Print(json_ ? OptionsInForceAsJson(loaded) : OptionsInForceAsTable(loaded));
    });
  }

  OptionSources sources_;
  const Commands& commands_;
  std::ostream& out_;
  std::ostream& err_;
  CLI::App app_{kSummary, "aquifer-server"};
  bool json_ = false;
  MigrateArguments migrate_;
  std::vector<std::string> problems_;
  // What the command found does.
  std::function<int()> run_;
};

}  // namespace

int RunCommandLine(const std::vector<std::string>& arguments, OptionSources sources,
                   const Commands& commands, std::ostream& out, std::ostream& err) {
  return CommandLine(std::move(sources), commands, out, err).Run(arguments);
}

int RunCommandLine(int argc, char** argv, const Commands& commands) {
  return RunCommandLine(std::vector<std::string>(argv + 1, argv + argc), SourcesOfThisProcess(),
                        commands, std::cout, std::cerr);
}

}  // namespace aquifer
