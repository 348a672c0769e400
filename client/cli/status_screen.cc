#include "client/cli/status_screen.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "client/cli/message_text.h"
#include "client/cli/table.h"

namespace aquifer::cli {
namespace {

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// Three digits are what a person compares: "1.23ms", "45.6s".
std::string Short(absl::Duration duration) {
  absl::Duration unit = absl::Microseconds(1);
  while (duration >= 1000 * unit) unit *= 10;
  return absl::FormatDuration(absl::Trunc(duration, unit));
}

std::string Short(const google::protobuf::Duration& duration) {
  return Short(DurationOf(duration));
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

// By the server's clock, which need not go as ours does.
absl::Duration Since(const v1::GetStatusResponse& status, const google::protobuf::Timestamp& then) {
  const absl::Time now =
      absl::FromUnixSeconds(status.started_at().seconds()) + DurationOf(status.uptime());
  return std::max(now - absl::FromUnixSeconds(then.seconds()), absl::ZeroDuration());
}

std::string BreakerLine(const v1::GetStatusResponse& status) {
  const v1::BreakerStatus& breaker = status.pool().breaker();
  std::string line = TextOf(breaker, "state");
  if (breaker.has_since()) {
    absl::StrAppend(&line, " for ", absl::FormatDuration(Since(status, breaker.since())));
  }
  if (breaker.state() == v1::BREAKER_STATE_HALF_OPEN) absl::StrAppend(&line, ", trying to connect");
  if (breaker.has_next_attempt_in()) {
    absl::StrAppend(&line, ", tries to connect in ", Short(breaker.next_attempt_in()));
  }
  if (!breaker.reason().empty()) {
    absl::StrAppend(&line, ": ", breaker.message(), " (", breaker.reason(), ")");
  }
  return line;
}

std::string DatabaseLine(const v1::DatabaseStatus& database) {
  if (database.version().empty()) return "not seen yet";
  return absl::StrCat("PostgreSQL ", database.version(), ", ", database.role(), ", answers in ",
                      Short(database.latency()));
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

std::string Statements(const v1::GetStatusResponse& status, int most) {
  std::vector<std::vector<std::string>> rows;
  for (const v1::StatementStatus& statement : status.statements()) {
    if (static_cast<int>(rows.size()) >= most) break;
    rows.push_back({statement.name(), absl::StrCat(statement.count()), Short(statement.mean()),
                    statement.has_p99_at_most()
                        ? Short(statement.p99_at_most())
                        : absl::StrCat("over ", Short(statement.p99_above())),
                    Short(statement.total())});
  }
  if (rows.empty()) return "";
  return absl::StrCat("\n", RenderTable({{"slow statements"},
                                         {"runs", Align::kRight},
                                         {"mean", Align::kRight},
                                         {"99 % within", Align::kRight},
                                         {"in all", Align::kRight}},
                                        rows));
}

// What stands between the head and the tables.
std::string Figures(const v1::GetStatusResponse& status) {
  const v1::QueueStatus& queue = status.queue();
  std::vector<TableColumn> names = {{"pool"}, {""}};
  std::vector<std::string> lines = {PoolLine(status.pool()), PoolHistory(status.pool())};
  const auto add = [&](const char* name, std::string line) {
    names.push_back({name});
    lines.push_back(std::move(line));
  };
  // A server of an earlier version tells nothing of it.
  if (status.pool().has_breaker()) add("breaker", BreakerLine(status));
  add("queue", absl::StrCat(Gauge(queue.queued(), queue.capacity()), " calls, ", queue.threads(),
                            " threads, refused ", queue.refused()));
  add("database", DatabaseLine(status.database()));
  add("schema", SchemaLine(status.database()));
  add("repeats", absl::StrCat("kept ", status.ledger().kept(), ", replayed ",
                              status.ledger().replayed(), ", refused ", status.ledger().refused()));
  return RenderRecord(names, lines);
}

}  // namespace

std::string StatusScreen(const v1::GetStatusResponse& status, int most_statements) {
  const absl::Duration uptime = absl::Trunc(DurationOf(status.uptime()), absl::Seconds(1));
  const std::string head =
      absl::StrCat("aquifer ", status.version(), " is ", TextOf(status, "health.level"),
                   ": instance ", status.instance(), ", up ", absl::FormatDuration(uptime));
  return absl::StrCat(Harmless(head), "\n\n", Figures(status), "\n", Checks(status.health()),
                      Statements(status, most_statements));
}

}  // namespace aquifer::cli
