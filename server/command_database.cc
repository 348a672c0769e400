#include "server/command_database.h"

#include <utility>

namespace aquifer {

absl::StatusOr<CommandDatabase> FindCommandDatabase(const DatabaseOptions& database, Log& log) {
  if (!database.url.empty()) return CommandDatabase{database.url, nullptr};
  LocalPostgresOptions options;
  options.data_dir = database.data_dir;
  options.bindir = database.postgres_bindir;
  auto started = LocalPostgres::Start(options, log);
  if (started.ok()) {
    const std::string url = (*started)->url();
    return CommandDatabase{url, *std::move(started)};
  }
  if (!absl::IsAlreadyExists(started.status())) return started.status();
  const auto running = LocalPostgres::UrlOfRunning(database.data_dir);
  if (!running.ok()) return running.status();
  return CommandDatabase{*running, nullptr};
}

}  // namespace aquifer
