// The figures of the server's parts as metrics, for a scrape.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <vector>

#include "server/database/canceller.h"
#include "server/database/connection_events.h"
#include "server/database/pool_figures.h"
#include "server/database/replicas.h"
#include "server/health/health_state.h"
#include "server/rpc/executor.h"
#include "server/rpc/joiner.h"
#include "server/rpc/repeat_counts.h"

namespace aquifer {

// What the parts said just now.
struct ServerFigures {
  PoolFigures pool;
  ExecutorFigures workers;
  ExecutorFigures reserve;
  // The calls that can be joined.
  JoinerFigures joined;
  RepeatFigures repeats;
  // Without hosts where the database has but one.
  ReplicaFigures replicas;
  CancellerFigures cancels;
  std::int64_t links_cut = 0;
  EventCounts events = {};
  bool ready = false;
};

// The names stand in tests/end_to_end/metric_names.txt as well: dashboards and alerts go by them.
std::vector<prometheus::MetricFamily> ToMetrics(const ServerFigures& figures);

// The process: memory, descriptors, processor time, start. What cannot be read is left out.
std::vector<prometheus::MetricFamily> ProcessMetrics();

}  // namespace aquifer
