#include "server/migrate_command.h"

#include <absl/strings/str_format.h>

#include <ostream>

#include "repositories/migrations.h"
#include "server/command_database.h"
#include "server/database/migration_files.h"
#include "server/database/migrator.h"
#include "server/exit_code.h"

namespace aquifer {
namespace {

// Whether the action is one that may make a database: looking at one must not.
bool MayMakeDatabase(const MigrateArguments& arguments) {
  return arguments.action == MigrateAction::kUp && !arguments.dry_run;
}

const char* NameOf(MigrationState state) {
  switch (state) {
    case MigrationState::kPending:
      return "pending";
    case MigrationState::kApplying:
      return "applying";
    case MigrationState::kApplied:
      return "applied";
    case MigrationState::kFailed:
      return "failed";
  }
  return "unknown";
}

std::string LineOf(const MigrationStep& step, bool dry_run) {
  if (dry_run) return absl::StrFormat("%-4s  %s  (not run)", NameOf(step.direction), step.name);
  return absl::StrFormat("%-4s  %s  %d ms", NameOf(step.direction), step.name,
                         absl::ToInt64Milliseconds(step.duration));
}

void PrintSummary(const std::vector<MigrationStep>& steps, const MigrateArguments& arguments,
                  std::ostream& out) {
  if (steps.empty()) {
    out << "Nothing to do.\n";
  } else if (arguments.dry_run) {
    out << steps.size() << " to run; nothing was changed.\n";
  } else {
    out << steps.size() << " done.\n";
  }
}

void PrintStatus(const std::vector<MigrationStatus>& all, std::ostream& out) {
  int applied = 0;
  for (const MigrationStatus& status : all) {
    const MigrationRecord& record = status.record;
    applied += record.state == MigrationState::kApplied ? 1 : 0;
    out << absl::StrFormat("%04d  %-32s  %-8s", record.version, record.name, NameOf(record.state));
    if (!record.finished_at.empty()) {
      out << absl::StrFormat("  %s  %6d ms  %s", record.finished_at, record.duration_ms,
                             record.applied_by);
    }
    out << (status.known ? "\n" : "  (not known to this program)\n");
  }
  out << applied << " of " << all.size() << " applied.\n";
}

void PrintHistory(const std::vector<MigrationHistoryEntry>& history, std::ostream& out) {
  for (const MigrationHistoryEntry& entry : history) {
    out << absl::StrFormat("%s  %-4s  %04d  %-32s  %-6s  %6d ms  %s\n", entry.finished_at,
                           NameOf(entry.direction), entry.version, entry.name,
                           entry.succeeded ? "done" : "FAILED", entry.duration_ms,
                           entry.applied_by);
    if (!entry.error.empty()) out << "      " << entry.error << "\n";
  }
  if (history.empty()) out << "No migration was ever run.\n";
}

absl::Status Create(const MigrateArguments& arguments, std::ostream& out) {
  const auto files = CreateMigrationFiles(arguments.directory, arguments.name);
  if (!files.ok()) return files.status();
  out << files->up << "\n" << files->down << "\n";
  return absl::OkStatus();
}

absl::Status Move(Migrator& migrator, const MigrateArguments& arguments, std::ostream& out) {
  const Distance distance{arguments.to, arguments.steps};
  const Execution execution = arguments.dry_run ? Execution::kDryRun : Execution::kApply;
  const auto steps =
      arguments.action == MigrateAction::kUp
          ? migrator.Up(distance, execution)
          : migrator.Down(distance, arguments.yes ? Consent::kYes : Consent::kNo, execution);
  if (!steps.ok()) return steps.status();
  PrintSummary(*steps, arguments, out);
  return absl::OkStatus();
}

template <typename Answer>
absl::Status Print(const absl::StatusOr<Answer>& answer,
                   void (*print)(const Answer&, std::ostream&), std::ostream& out) {
  if (answer.ok()) print(*answer, out);
  return answer.status();
}

absl::Status Run(const ServerOptions& options, const MigrateArguments& arguments,
                 std::ostream& out) {
  if (arguments.action == MigrateAction::kCreate) return Create(arguments, out);
  if (options.database.url.empty() && !MayMakeDatabase(arguments) &&
      !LocalPostgres::Exists(options.database.data_dir)) {
    out << "Nothing there yet: no database in " << options.database.data_dir
        << ". The first serve or migrate up makes it.\n";
    return absl::OkStatus();
  }
  Log log(LogLevel::kError);
  const absl::StatusOr<CommandDatabase> target = FindCommandDatabase(options.database, log);
  if (!target.ok()) return target.status();

  DatabaseOptions database = options.database;
  database.url = target->url;
  MigratorOptions migrator_options;
  migrator_options.lock_timeout = arguments.lock_timeout;
  migrator_options.wait = arguments.wait;
  migrator_options.applied_by = options.instance;
  migrator_options.progress = [&](const MigrationStep& step) {
    out << LineOf(step, arguments.dry_run) << std::endl;
  };
  Migrator migrator(SettingsFor(database, "aquifer-migrate", options.time_zone), Migrations(),
                    migrator_options);
  switch (arguments.action) {
    case MigrateAction::kStatus:
      return Print(migrator.Status(), &PrintStatus, out);
    case MigrateAction::kHistory:
      return Print(migrator.History(), &PrintHistory, out);
    case MigrateAction::kValidate: {
      absl::Status valid = migrator.Validate();
      if (valid.ok()) out << "Every applied migration is this program's.\n";
      return valid;
    }
    default:
      return Move(migrator, arguments, out);
  }
}

}  // namespace

int RunMigrateCommand(const ServerOptions& options, const MigrateArguments& arguments,
                      std::ostream& out, std::ostream& err) {
  const absl::Status status = Run(options, arguments, out);
  if (status.ok()) return kExitOk;
  err << "FAILED: " << status.message() << "\n";
  return kExitFailure;
}

}  // namespace aquifer
