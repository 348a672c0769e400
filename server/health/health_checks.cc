#include "server/health/health_checks.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>

namespace aquifer {
namespace {

v1::HealthCheck Check(absl::string_view name, v1::HealthLevel level, std::string message,
                      std::string recommendation = "") {
  v1::HealthCheck check;
  check.set_name(std::string(name));
  check.set_level(level);
  check.set_message(std::move(message));
  check.set_recommendation(std::move(recommendation));
  return check;
}

v1::HealthCheck CheckConnectivity(const DatabaseView& database, const HealthCheckLimits& limits) {
  constexpr absl::string_view kName = "connectivity";
  const DatabaseFacts& facts = database.facts;
  if (!database.reachable()) {
    return Check(kName, v1::HEALTH_LEVEL_UNHEALTHY,
                 absl::StrCat("The database does not answer: ", database.trouble, "."),
                 "Check that PostgreSQL runs and accepts connections at the configured address.");
  }
  if (facts.role == DatabaseRole::kStandby) {
    return Check(kName, v1::HEALTH_LEVEL_DEGRADED,
                 "The database is a standby: reads work, writes are refused.",
                 "Promote it, or point the database URL at the primary "
                 "(target_session_attrs=read-write).");
  }
  if (facts.connections >= limits.busy_database * facts.max_connections) {
    return Check(kName, v1::HEALTH_LEVEL_DEGRADED,
                 absl::StrCat(facts.connections, " of the database's ", facts.max_connections,
                              " connections are in use."),
                 "Close idle clients, make the pools smaller, or raise max_connections.");
  }
  return Check(kName, v1::HEALTH_LEVEL_HEALTHY,
               absl::StrCat("PostgreSQL ", facts.version, " answers as primary."));
}

v1::HealthCheck CheckSchema(const DatabaseView& database) {
  constexpr absl::string_view kName = "schema";
  const int version = database.facts.schema_version;
  if (database.seen_at == absl::InfinitePast()) {
    return Check(kName, v1::HEALTH_LEVEL_UNHEALTHY, "The schema has not been seen yet.",
                 "Make the database reachable.");
  }
  if (version < database.schema_min) {
    return Check(kName, v1::HEALTH_LEVEL_UNHEALTHY,
                 absl::StrCat("The schema is at version ", version, "; version ",
                              database.schema_min, " is the oldest this server works with."),
                 "Run `aquifer-server migrate up`.");
  }
  if (version > database.schema_max) {
    return Check(kName, v1::HEALTH_LEVEL_UNHEALTHY,
                 absl::StrCat("The schema is at version ", version, "; version ",
                              database.schema_max, " is the newest this server works with."),
                 "Deploy a newer server, or run `aquifer-server migrate down` from the newer one.");
  }
  return Check(kName, v1::HEALTH_LEVEL_HEALTHY,
               absl::StrCat("The schema is at version ", version, "."));
}

v1::HealthCheck CheckPerformance(const DatabaseView& database, const HealthCheckLimits& limits) {
  constexpr absl::string_view kName = "performance";
  if (database.seen_at == absl::InfinitePast()) {
    return Check(kName, v1::HEALTH_LEVEL_UNHEALTHY, "The database has not been seen yet.",
                 "Make the database reachable.");
  }
  const std::string took =
      absl::FormatDuration(absl::Trunc(database.facts.latency, absl::Microseconds(1)));
  if (database.facts.latency >= limits.slow_latency) {
    return Check(kName, v1::HEALTH_LEVEL_DEGRADED,
                 absl::StrCat("The last look at the database took ", took, "."),
                 "Look for long statements, a full disk queue, or a slow network to the database.");
  }
  return Check(kName, v1::HEALTH_LEVEL_HEALTHY,
               absl::StrCat("The last look at the database took ", took, "."));
}

v1::HealthCheck CheckPool(const v1::PoolStatus& pool, const HealthCheckLimits& limits) {
  constexpr absl::string_view kName = "pool";
  const std::string used =
      absl::StrCat(pool.active(), " of ", pool.max_size(), " connections are in use");
  if (pool.waiting() > 0) {
    return Check(kName, v1::HEALTH_LEVEL_DEGRADED,
                 absl::StrCat(used, " and ", pool.waiting(), " callers wait for one."),
                 "Look for slow statements first; then give the pool more connections, within the "
                 "database's max_connections.");
  }
  if (pool.max_size() > 0 && pool.active() >= limits.busy_pool * pool.max_size()) {
    return Check(kName, v1::HEALTH_LEVEL_DEGRADED, absl::StrCat(used, "."),
                 "Give the pool more connections before callers have to wait.");
  }
  return Check(kName, v1::HEALTH_LEVEL_HEALTHY, absl::StrCat(used, "."));
}

v1::HealthCheck CheckQueue(const v1::QueueStatus& queue, const HealthCheckLimits& limits) {
  constexpr absl::string_view kName = "queue";
  const std::string waiting =
      absl::StrCat(queue.queued(), " of at most ", queue.capacity(), " calls wait for a worker.");
  if (queue.capacity() > 0 && queue.queued() >= queue.capacity()) {
    return Check(kName, v1::HEALTH_LEVEL_DEGRADED,
                 absl::StrCat("The queue is full: ", queue.capacity(),
                              " calls wait for a worker, further ones are refused."),
                 "Send less at once, or add instances.");
  }
  if (queue.capacity() > 0 && queue.queued() >= limits.full_queue * queue.capacity()) {
    return Check(kName, v1::HEALTH_LEVEL_DEGRADED, waiting,
                 "Look for slow statements, or add instances.");
  }
  return Check(kName, v1::HEALTH_LEVEL_HEALTHY, waiting);
}

}  // namespace

v1::HealthReport MakeHealthReport(const DatabaseView& database, const v1::PoolStatus& pool,
                                  const v1::QueueStatus& queue, const HealthCheckLimits& limits) {
  v1::HealthReport report;
  *report.add_checks() = CheckConnectivity(database, limits);
  *report.add_checks() = CheckSchema(database);
  *report.add_checks() = CheckPerformance(database, limits);
  *report.add_checks() = CheckPool(pool, limits);
  *report.add_checks() = CheckQueue(queue, limits);
  v1::HealthLevel worst = v1::HEALTH_LEVEL_HEALTHY;
  for (const v1::HealthCheck& check : report.checks()) worst = std::max(worst, check.level());
  report.set_level(worst);
  return report;
}

}  // namespace aquifer
