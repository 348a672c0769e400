#include "server/metrics_report.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "server/version.h"

namespace aquifer {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Value {
  double value;
  std::vector<ClientMetric::Label> labels = {};
};

MetricFamily Family(MetricType type, const std::string& name, const std::string& help,
                    const std::vector<Value>& values) {
  MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  for (const Value& value : values) {
    ClientMetric& metric = family.metric.emplace_back();
    metric.label = value.labels;
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value.value;
  }
  return family;
}

MetricFamily Gauge(const std::string& name, const std::string& help,
                   const std::vector<Value>& values) {
  return Family(MetricType::Gauge, name, help, values);
}

MetricFamily Counter(const std::string& name, const std::string& help,
                     const std::vector<Value>& values) {
  return Family(MetricType::Counter, name, help, values);
}

double Number(std::int64_t value) { return static_cast<double>(value); }

void AppendPool(const PoolFigures& pool, std::vector<MetricFamily>& all) {
  std::vector<Value> closed;
  for (const CloseReason reason : kCloseReasons) {
    closed.push_back({Number(pool.Closed(reason)), {{"reason", std::string(NameOf(reason))}}});
  }
  all.push_back(Gauge(
      "aquifer_pool_connections", "Open connections by what they do.",
      {{Number(pool.active), {{"state", "active"}}}, {Number(pool.idle), {{"state", "idle"}}}}));
  all.push_back(
      Gauge("aquifer_pool_max_connections", "The most there may be.", {{Number(pool.max)}}));
  all.push_back(Gauge("aquifer_pool_waiting_calls", "Calls waiting for a connection.",
                      {{Number(pool.waiting)}}));
  all.push_back(
      Counter("aquifer_pool_opened_total", "Connections opened.", {{Number(pool.opened)}}));
  all.push_back(Counter("aquifer_pool_closed_total", "Connections closed, by why.", closed));
  all.push_back(Counter("aquifer_pool_connect_failures_total", "Connections that failed to open.",
                        {{Number(pool.connect_failures)}}));
  all.push_back(Counter("aquifer_pool_acquire_timeouts_total",
                        "Calls that got no connection in time.",
                        {{Number(pool.acquire_timeouts)}}));
  all.push_back(Gauge("aquifer_pool_oldest_holder_seconds",
                      "For how long the oldest holder has had its connection.",
                      {{absl::ToDoubleSeconds(pool.oldest_holder)}}));
  std::vector<Value> breaker;
  for (const BreakerState state : kBreakerStates) {
    breaker.push_back(
        {state == pool.breaker.state ? 1.0 : 0.0, {{"state", std::string(NameOf(state))}}});
  }
  all.push_back(Gauge("aquifer_breaker_state",
                      "1 for how connects are let through: closed is all is well.", breaker));
  all.push_back(Counter("aquifer_pool_long_holds_total",
                        "Connections held for longer than pool_holder_limit_ms.",
                        {{Number(pool.long_holds)}}));
}

void AppendQueues(const ExecutorFigures& workers, const ExecutorFigures& reserve,
                  std::vector<MetricFamily>& all) {
  const auto by_queue = [&](std::int64_t worker, std::int64_t reserved) {
    return std::vector<Value>{{Number(worker), {{"queue", "workers"}}},
                              {Number(reserved), {{"queue", "reserve"}}}};
  };
  all.push_back(Gauge("aquifer_queue_calls", "Calls waiting for a worker.",
                      by_queue(workers.queued, reserve.queued)));
  all.push_back(Gauge("aquifer_queue_capacity_calls", "The most that may wait.",
                      by_queue(workers.capacity, reserve.capacity)));
  all.push_back(Gauge("aquifer_workers_running", "Workers at work.",
                      by_queue(workers.running, reserve.running)));
  all.push_back(
      Gauge("aquifer_workers", "Workers there are.", by_queue(workers.threads, reserve.threads)));
  all.push_back(Counter("aquifer_queue_refused_total", "Calls refused because the queue was full.",
                        by_queue(workers.refused, reserve.refused)));
  all.push_back(Counter("aquifer_queue_overdue_total",
                        "Calls answered because they waited for too long.",
                        by_queue(workers.overdue, reserve.overdue)));
  all.push_back(Counter("aquifer_queue_withdrawn_total",
                        "Calls whose callers left while they waited.",
                        by_queue(workers.withdrawn, reserve.withdrawn)));
  all.push_back(Gauge("aquifer_queue_bytes", "What the requests that wait take.",
                      by_queue(workers.queued_bytes, reserve.queued_bytes)));
}

void AppendReplicas(const ReplicaFigures& replicas, std::vector<MetricFamily>& all) {
  std::vector<Value> reads;
  for (const ReplicaRead read : kReplicaReads) {
    reads.push_back({Number(replicas.reads[static_cast<std::size_t>(read)]),
                     {{"result", std::string(NameOf(read))}}});
  }
  all.push_back(Counter("aquifer_replica_reads_total",
                        "Reads that allowed a replica; all but those served went to the primary.",
                        reads));
  std::vector<Value> up;
  std::vector<Value> lag;
  std::vector<Value> connections;
  for (std::size_t i = 0; i < replicas.hosts.size(); ++i) {
    const HostFigures& host = replicas.hosts[i];
    const std::vector<ClientMetric::Label> label = {{"host", std::to_string(i)}};
    up.push_back({host.role == HostRole::kReplica ? 1.0 : 0.0, label});
    lag.push_back({absl::ToDoubleSeconds(host.lag), label});
    connections.push_back({Number(host.connections), label});
  }
  all.push_back(
      Gauge("aquifer_replica_up", "1 for each host of several that is a replica and answers.", up));
  all.push_back(Gauge("aquifer_replica_lag_seconds",
                      "What was committed longer ago the host has; infinite if nothing is known.",
                      lag));
  all.push_back(
      Gauge("aquifer_replica_connections", "Connections open for reads, by host.", connections));
}

}  // namespace

std::vector<MetricFamily> ToMetrics(const ServerFigures& figures) {
  std::vector<MetricFamily> all;
  AppendPool(figures.pool, all);
  AppendQueues(figures.workers, figures.reserve, all);
  all.push_back(Counter("aquifer_joined_sets_total", "Sets of calls that were answered together.",
                        {{Number(figures.joined.flights)}}));
  all.push_back(Counter("aquifer_joined_calls_total",
                        "Calls in those sets; by the sets, how many went together.",
                        {{Number(figures.joined.calls)}}));
  std::vector<Value> events;
  for (const ConnectionEvent event : kConnectionEvents) {
    events.push_back(
        {Number(figures.events[static_cast<int>(event)]), {{"event", std::string(NameOf(event))}}});
  }
  all.push_back(
      Counter("aquifer_database_events_total", "What became of the link to the database.", events));
  all.push_back(Counter("aquifer_ledger_calls_total",
                        "Writes with a request_id, by what became of them.",
                        {{Number(figures.repeats.kept), {{"outcome", "kept"}}},
                         {Number(figures.repeats.replayed), {{"outcome", "replayed"}}},
                         {Number(figures.repeats.refused), {{"outcome", "refused"}}}}));
  AppendReplicas(figures.replicas, all);
  all.push_back(Counter("aquifer_cancel_requests_total",
                        "Cancel requests for statements of callers that left.",
                        {{Number(figures.cancels.sent), {{"result", "sent"}}},
                         {Number(figures.cancels.failed), {{"result", "failed"}}}}));
  all.push_back(Counter("aquifer_links_cut_total",
                        "Links shut because the database did not answer by the deadline.",
                        {{Number(figures.links_cut)}}));
  all.push_back(
      Gauge("aquifer_ready", "1 while readiness is SERVING.", {{figures.ready ? 1.0 : 0.0}}));
  all.push_back(Gauge("aquifer_build_info", "Always 1; the version is in the label.",
                      {{1, {{"version", std::string(Version())}}}}));
  return all;
}

std::vector<MetricFamily> ProcessMetrics() {
  std::vector<MetricFamily> all;
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  if (std::ifstream("/proc/self/statm") >> pages >> resident) {
    all.push_back(Gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
                        {{Number(resident * sysconf(_SC_PAGESIZE))}}));
  }
  if (const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
      folder != nullptr) {
    // Less ".", ".." and the one that reads the folder.
    std::int64_t open = -3;
    while (readdir(folder.get()) != nullptr) ++open;
    all.push_back(Gauge("process_open_fds", "Number of open file descriptors.", {{Number(open)}}));
  }
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& time) {
      return Number(time.tv_sec) + Number(time.tv_usec) / 1e6;
    };
    all.push_back(Counter("process_cpu_seconds_total",
                          "Total user and system CPU time spent in seconds.",
                          {{seconds(usage.ru_utime) + seconds(usage.ru_stime)}}));
  }
  return all;
}

}  // namespace aquifer
