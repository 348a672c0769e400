#include "server/database/ledger_keeper.h"

#include <absl/time/clock.h>

namespace aquifer {
namespace {

constexpr absl::string_view kName = "LedgerKeeper";
constexpr absl::Duration kStepTimeout = absl::Seconds(5);

}  // namespace

LedgerKeeper::LedgerKeeper(TransactionRunner& transactions, const LedgerKeeperOptions& options,
                           Log& log)
    : transactions_(transactions),
      options_(options),
      log_(log),
      rounds_(
          "ledger_not_kept", options.interval, [this] { return KeepPartitions(); }, log) {}

absl::Status LedgerKeeper::KeepPartitions() {
  absl::Status made = Repeat("ledger_partition_made", [this](RequestLedger& ledger) {
    return ledger.MakePartition(options_.days_ahead);
  });
  absl::Status dropped = Repeat("ledger_partition_dropped", [this](RequestLedger& ledger) {
    return ledger.DropPartition(options_.keep_hours);
  });
  return made.ok() ? dropped : made;
}

absl::Status LedgerKeeper::Repeat(absl::string_view event, Step step) {
  while (true) {
    std::optional<std::string> partition;
    Receipt receipt;
    absl::Status status = transactions_.Run(
        {.method = kName,
         .mode = TransactionMode::kReadWrite,
         .deadline = absl::Now() + kStepTimeout},
        [&](Session& session) {
          RequestLedger ledger(session);
          partition = step(ledger);
          return absl::OkStatus();
        },
        receipt);
    if (!status.ok() || !partition) return status;
    log_.Write(LogLine(LogLevel::kInfo, event).Add("partition", *partition));
  }
}

}  // namespace aquifer
