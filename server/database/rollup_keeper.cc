#include "server/database/rollup_keeper.h"

#include <absl/time/clock.h>

namespace aquifer {
namespace {

constexpr absl::string_view kName = "RollupKeeper";
constexpr absl::Duration kStepTimeout = absl::Seconds(60);

}  // namespace

RollupKeeper::RollupKeeper(TransactionRunner& transactions, const RollupKeeperOptions& options,
                           Log& log)
    : transactions_(transactions),
      options_(options),
      log_(log),
      rounds_(
          "rollup_not_kept", options.interval, [this] { return Keep(); }, log) {}

absl::Status RollupKeeper::Keep() {
  absl::Status claimed = InTransaction([this](CollectionRollup& rollup) {
    rollup.AdoptZone();
    rollup.Claim(options_.settled);
  });
  if (!claimed.ok()) return claimed;
  absl::Status fenced = InTransaction([](CollectionRollup& rollup) { rollup.Fence(); });
  if (!fenced.ok()) return fenced;
  const absl::Time begin = absl::Now();
  int days = 0;
  while (!rounds_.stopping()) {
    int summed = 0;
    absl::Status status =
        InTransaction([&summed](CollectionRollup& rollup) { summed = rollup.Sum(); });
    if (!status.ok()) return status;
    if (summed == 0) break;
    days += summed;
  }
  if (days > 0) {
    log_.Write(LogLine(LogLevel::kInfo, "rollup_summed")
                   .Add("days", days)
                   .Add("ms", absl::ToInt64Milliseconds(absl::Now() - begin)));
  }
  return absl::OkStatus();
}

absl::Status RollupKeeper::InTransaction(Step step) {
  Receipt receipt;
  return transactions_.Run(
      {.method = kName,
       .mode = TransactionMode::kReadWrite,
       .deadline = absl::Now() + kStepTimeout},
      [&](Session& session) {
        CollectionRollup rollup(session);
        step(rollup);
        return absl::OkStatus();
      },
      receipt);
}

}  // namespace aquifer
