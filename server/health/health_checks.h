// What an operator should know and do: each figure judged in plain sentences.
#pragma once

#include <absl/time/time.h>

#include "aquifer/v1/admin.pb.h"
#include "server/health/database_view.h"

namespace aquifer {

struct HealthCheckLimits {
  // From here on it needs a look. None of these stops the service from serving.
  absl::Duration slow_latency = absl::Milliseconds(100);
  double busy_pool = 0.8;
  double full_queue = 0.5;
  // The share of the database's connections in use by all clients.
  double busy_database = 0.9;
};

// Judges connectivity, schema, performance, pool and queue. The level of the whole is the worst.
v1::HealthReport MakeHealthReport(const DatabaseView& database, const v1::PoolStatus& pool,
                                  const v1::QueueStatus& queue,
                                  const HealthCheckLimits& limits = {});

}  // namespace aquifer
