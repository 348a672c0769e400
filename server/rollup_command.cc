#include "server/rollup_command.h"

#include <absl/functional/function_ref.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>

#include <ostream>

#include "repositories/collection_rollup.h"
#include "server/command_database.h"
#include "server/database/rollup_keeper.h"
#include "server/exit_code.h"

namespace aquifer {
namespace {

// Every line of a large history is read once.
constexpr absl::Duration kStepTimeout = absl::Hours(1);
constexpr int kMostDaysNamed = 20;

// One command, on a connection of its own.
class RollupCommand {
 public:
  RollupCommand(const DatabaseOptions& database, const ServerOptions& options, std::ostream& out,
                Log& log)
      : pool_({.database = database,
               .pool = {.min = 1, .max = 1},
               .instance = options.instance + " rollup",
               .time_zone = options.time_zone},
              log),
        log_(log),
        out_(out) {}

  absl::Status Run(RollupAction action) {
    switch (action) {
      case RollupAction::kCheck:
        return Check();
      case RollupAction::kRebuild:
        return Rebuild();
      case RollupAction::kStatus:
        break;
    }
    return PrintDays();
  }

 private:
  absl::Status InTransaction(TransactionMode mode,
                             absl::FunctionRef<void(CollectionRollup&)> step) {
    Receipt receipt;
    return transactions_.Run(
        {.method = "rollup", .mode = mode, .deadline = absl::Now() + kStepTimeout},
        [&](Session& session) {
          CollectionRollup rollup(session);
          step(rollup);
          return absl::OkStatus();
        },
        receipt);
  }

  absl::Status PrintDays() {
    CollectionRollup::Days days;
    absl::Status status = InTransaction(
        TransactionMode::kReadOnly, [&days](CollectionRollup& rollup) { days = rollup.Count(); });
    if (status.ok()) {
      out_ << days.summed << " days summed, " << days.waiting << " waiting to be.\n";
    }
    return status;
  }

  absl::Status Check() {
    std::vector<std::string> wrong;
    absl::Status status = InTransaction(
        TransactionMode::kReadOnly,
        [&wrong](CollectionRollup& rollup) { wrong = rollup.FindWrong(kMostDaysNamed); });
    if (!status.ok()) return status;
    if (!wrong.empty()) {
      return absl::DataLossError("not what their lines sum up to: " + absl::StrJoin(wrong, ", ") +
                                 "; aquifer-server rollup rebuild sums them anew");
    }
    out_ << "Every sum is what its lines sum up to.\n";
    return PrintDays();
  }

  // What a transaction that is still open may have written is left to the server's next rounds.
  absl::Status Rebuild() {
    absl::Status status = InTransaction(TransactionMode::kReadWrite,
                                        [](CollectionRollup& rollup) { rollup.MarkAll(); });
    if (!status.ok()) return status;
    RollupKeeper keeper(transactions_, {.settled = absl::ZeroDuration()}, log_);
    if (status = keeper.KeepOnce(); !status.ok()) return status;
    return PrintDays();
  }

  ConnectionPool pool_;
  TransactionRunner transactions_{pool_};
  Log& log_;
  std::ostream& out_;
};

absl::Status Run(const ServerOptions& options, RollupAction action, std::ostream& out) {
  if (options.database.url.empty() && !LocalPostgres::Exists(options.database.data_dir)) {
    out << "Nothing there yet: no database in " << options.database.data_dir << ".\n";
    return absl::OkStatus();
  }
  Log log(LogLevel::kError);
  const absl::StatusOr<CommandDatabase> found = FindCommandDatabase(options.database, log);
  if (!found.ok()) return found.status();
  DatabaseOptions database = options.database;
  database.url = found->url;
  return RollupCommand(database, options, out, log).Run(action);
}

}  // namespace

int RunRollupCommand(const ServerOptions& options, RollupAction action, std::ostream& out,
                     std::ostream& err) {
  const absl::Status status = Run(options, action, out);
  if (status.ok()) return kExitOk;
  err << "FAILED: " << status.message() << "\n";
  return kExitFailure;
}

}  // namespace aquifer
