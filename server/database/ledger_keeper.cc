#include "server/database/ledger_keeper.h"

#include <absl/time/clock.h>

#include "repositories/errors.h"

namespace aquifer {
namespace {

constexpr absl::string_view kName = "LedgerKeeper";
constexpr absl::Duration kStepTimeout = absl::Seconds(5);

}  // namespace

LedgerKeeper::LedgerKeeper(TransactionRunner& transactions, const LedgerKeeperOptions& options,
                           Log& log)
    : transactions_(transactions), options_(options), log_(log) {}

LedgerKeeper::~LedgerKeeper() { Stop(); }

absl::Status LedgerKeeper::KeepOnce() {
  absl::Status status = KeepPartitions();
  const std::string trouble = status.ok() ? "" : ReasonOf(status);
  {
    absl::MutexLock lock(&mutex_);
    if (trouble == trouble_) return status;
    trouble_ = trouble;
  }
  if (!status.ok()) {
    log_.Write(LogLine(LogLevel::kWarning, "ledger_not_kept")
                   .Add("reason", trouble)
                   .Add("message", status.message()));
  }
  return status;
}

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

void LedgerKeeper::Start() {
  rounds_ = std::thread([this] { RunRounds(); });
}

void LedgerKeeper::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (rounds_.joinable()) rounds_.join();
}

void LedgerKeeper::RunRounds() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), options_.interval)) return;
    }
    // A failure is in the log already.
    (void)KeepOnce();
  }
}

}  // namespace aquifer
