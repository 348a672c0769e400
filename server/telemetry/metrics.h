// What the server counts and times, for Prometheus.
//
// Two kinds: what happens is recorded here as it does; what merely is (connections, queues,
// memory) is asked for when somebody scrapes, from those who know. Recording costs some hundred
// nanoseconds: a look-up and an uncontended lock.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace aquifer {

// The parts of an RPC's time that are the server's.
struct RpcTimes {
  absl::Duration total;
  absl::Duration queue;
  absl::Duration acquire;
  absl::Duration sql;
  absl::Duration commit;
};

// What the runs of a statement took. Of a quantile the histogram knows the bucket it lies in.
struct StatementFigures {
  std::string name;
  std::int64_t count = 0;
  absl::Duration total;
  // The 99th percentile is above the one and at most the other, which may be infinite.
  absl::Duration p99_above;
  absl::Duration p99_at_most;

  absl::Duration Mean() const { return count == 0 ? absl::ZeroDuration() : total / count; }
};

// Why a transaction's body ran once more.
enum class RetryCause {
  kCollision,
  kStalePlan,
  kDeadConnection,
  kBrokenRead,
  kLostCommit,
  // The database is read-only now, or away, and another host will be the primary.
  kNoPrimary,
};

// Thread-safe.
class Metrics {
 public:
  using Figures = std::function<std::vector<prometheus::MetricFamily>()>;

  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // `method` is a name of the proto's, never a caller's text: each makes a series.
  void RpcDone(absl::string_view method, absl::StatusCode code, const RpcTimes& times);
  // A call was turned away at its arrival; `took` until its answer was ready.
  void RpcRefused(absl::Duration took);
  // Likewise `statement`.
  void StatementDone(absl::string_view statement, absl::Duration took);
  void TransactionCommitted() { committed_.Increment(); }
  void TransactionRolledBack() { rolled_back_.Increment(); }
  void TransactionInDoubt() { in_doubt_.Increment(); }
  void TransactionRetried(RetryCause cause);

  // Asks `figures` at every scrape, from a thread of the listener's.
  void AskAtScrape(Figures figures);

  // The statements that took most time in all, the costliest first, `limit` of them at most. Looks
  // at every statement's histogram: for people who ask, not for each call.
  std::vector<StatementFigures> CostliestStatements(std::size_t limit) const;

  // All of it, for a scrape.
  std::vector<prometheus::MetricFamily> Collect() const;

 private:
  using Counters = prometheus::Family<prometheus::Counter>;
  using Histograms = prometheus::Family<prometheus::Histogram>;

  struct MethodSeries {
    prometheus::Histogram* seconds = nullptr;
    // By status code, made when first answered.
    std::array<prometheus::Counter*, 17> answers = {};
  };

  prometheus::Registry registry_;
  Counters& answers_;
  Histograms& rpc_seconds_;
  prometheus::Histogram& queue_seconds_;
  prometheus::Histogram& acquire_seconds_;
  prometheus::Histogram& sql_seconds_;
  prometheus::Histogram& commit_seconds_;
  prometheus::Histogram& refusal_seconds_;
  Histograms& statement_seconds_;
  prometheus::Counter& committed_;
  prometheus::Counter& rolled_back_;
  prometheus::Counter& in_doubt_;
  std::array<prometheus::Counter*, 6> retries_ = {};

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, MethodSeries> methods_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, prometheus::Histogram*> statements_ ABSL_GUARDED_BY(mutex_);
  std::vector<Figures> figures_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace aquifer
