#include "client/cli/status_screen.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <algorithm>
#include <vector>

#include "client/cli/message_text.h"
#include "client/cli/table.h"

namespace aquifer::cli {
namespace {

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// "[####----------------] 4 of 20" in twenty characters.
std::string Gauge(std::int64_t value, std::int64_t whole) {
  constexpr std::int64_t kWidth = 20;
  const std::int64_t full =
      whole <= 0 ? 0 : std::clamp<std::int64_t>((value * kWidth + whole - 1) / whole, 0, kWidth);
  return absl::StrCat("[", std::string(static_cast<std::size_t>(full), '#'),
                      std::string(static_cast<std::size_t>(kWidth - full), '-'), "] ", value,
                      " of ", whole);
}

std::string PoolLine(const v1::PoolStatus& pool) {
  return absl::StrCat(Gauge(pool.active(), pool.max_size()), " active, ", pool.idle(), " idle, ",
                      pool.waiting(), " calls waiting");
}

std::string PoolHistory(const v1::PoolStatus& pool) {
  std::int64_t closed = 0;
  for (const auto& [reason, count] : pool.closed()) closed += count;
  return absl::StrCat("opened ", pool.opened(), ", closed ", closed, ", connect failures ",
                      pool.connect_failures(), ", acquire timeouts ", pool.acquire_timeouts());
}

std::string DatabaseLine(const v1::DatabaseStatus& database) {
  if (database.version().empty()) return "not seen yet";
  return absl::StrCat(
      "PostgreSQL ", database.version(), ", ", database.role(), ", answers in ",
      absl::FormatDuration(absl::Trunc(DurationOf(database.latency()), absl::Microseconds(10))));
}

std::string SchemaLine(const v1::DatabaseStatus& database) {
  return absl::StrCat("version ", database.schema_version(), ", served from ",
                      database.schema_min(), " to ", database.schema_max(), "; days of ",
                      database.time_zone().empty() ? "?" : database.time_zone());
}

std::string Checks(const v1::HealthReport& health) {
  std::vector<std::vector<std::string>> rows;
  for (const v1::HealthCheck& check : health.checks()) {
    rows.push_back({check.name(), TextOf(check, "level"), check.message()});
    if (!check.recommendation().empty()) {
      rows.push_back({"", "", absl::StrCat("what to do: ", check.recommendation())});
    }
  }
  return RenderTable({{"check"}, {"level"}, {"message"}}, rows);
}

}  // namespace

std::string StatusScreen(const v1::GetStatusResponse& status) {
  const absl::Duration uptime = absl::Trunc(DurationOf(status.uptime()), absl::Seconds(1));
  const std::string head =
      absl::StrCat("aquifer ", status.version(), " is ", TextOf(status, "health.level"),
                   ": instance ", status.instance(), ", up ", absl::FormatDuration(uptime), "\n\n");
  const v1::QueueStatus& queue = status.queue();
  const std::vector<std::string> lines = {
      PoolLine(status.pool()),
      PoolHistory(status.pool()),
      absl::StrCat(Gauge(queue.queued(), queue.capacity()), " calls, ", queue.threads(),
                   " threads, refused ", queue.refused()),
      DatabaseLine(status.database()),
      SchemaLine(status.database()),
      absl::StrCat("kept ", status.ledger().kept(), ", replayed ", status.ledger().replayed(),
                   ", refused ", status.ledger().refused())};
  const std::vector<TableColumn> names = {{"pool"},     {""},       {"queue"},
                                          {"database"}, {"schema"}, {"repeats"}};
  return absl::StrCat(Harmless(head.substr(0, head.size() - 2)), "\n\n", RenderRecord(names, lines),
                      "\n", Checks(status.health()));
}

}  // namespace aquifer::cli
