#include "server/telemetry/metrics.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace aquifer {
namespace {

// From what a read by its key takes on an idle machine to the longest default deadline.
const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
    0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30};

// A refusal is a matter of microseconds.
const prometheus::Histogram::BucketBoundaries kRefusalSeconds = {
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.1};

prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry& registry,
                                                       const std::string& name,
                                                       const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Histogram>& HistogramFamily(prometheus::Registry& registry,
                                                           const std::string& name,
                                                           const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

prometheus::Histogram& Phase(prometheus::Registry& registry, const std::string& phase) {
  // The registry hands out a family that it has already.
  return HistogramFamily(registry, "aquifer_rpc_phase_seconds",
                         "Time of answered calls by phase: waiting for a worker, for a connection, "
                         "in statements, in commits.")
      .Add({{"phase", phase}}, kSeconds);
}

prometheus::Counter& Outcome(prometheus::Registry& registry, const std::string& outcome) {
  return CounterFamily(registry, "aquifer_transactions_total", "Transactions by how they ended.")
      .Add({{"outcome", outcome}});
}

void Observe(prometheus::Histogram& histogram, absl::Duration took) {
  histogram.Observe(absl::ToDoubleSeconds(took));
}

StatementFigures FiguresOf(const std::string& name, const prometheus::Histogram& seconds) {
  const auto collected = seconds.Collect().histogram;
  StatementFigures figures{.name = name,
                           .count = static_cast<std::int64_t>(collected.sample_count),
                           .total = absl::Seconds(collected.sample_sum)};
  // In whole numbers, because 0.99 has no exact double: the run that 99 of 100 are not above.
  const std::uint64_t rank = collected.sample_count - collected.sample_count / 100;
  for (const auto& bucket : collected.bucket) {
    figures.p99_above = figures.p99_at_most;
    figures.p99_at_most = absl::Seconds(bucket.upper_bound);
    if (bucket.cumulative_count >= rank) break;
  }
  return figures;
}

}  // namespace

Metrics::Metrics()
    : answers_(CounterFamily(registry_, "aquifer_rpcs_total", "Calls by method and status code.")),
      rpc_seconds_(HistogramFamily(registry_, "aquifer_rpc_seconds",
                                   "Time of calls by method, from first byte to last.")),
      queue_seconds_(Phase(registry_, "queue")),
      acquire_seconds_(Phase(registry_, "acquire")),
      sql_seconds_(Phase(registry_, "sql")),
      commit_seconds_(Phase(registry_, "commit")),
      refusal_seconds_(HistogramFamily(registry_, "aquifer_refusal_seconds",
                                       "Time of calls turned away, from arrival to answer.")
                           .Add({}, kRefusalSeconds)),
      statement_seconds_(HistogramFamily(registry_, "aquifer_statement_seconds",
                                         "Time of statements by name, round trip included.")),
      committed_(Outcome(registry_, "committed")),
      rolled_back_(Outcome(registry_, "rolled_back")),
      in_doubt_(Outcome(registry_, "in_doubt")) {
  Counters& retries = CounterFamily(registry_, "aquifer_transaction_retries_total",
                                    "Transactions whose body ran once more, by why it had to.");
  constexpr absl::string_view kCauses[] = {"collision",   "stale_plan",  "dead_connection",
                                           "broken_read", "lost_commit", "no_primary"};
  for (std::size_t i = 0; i < std::size(kCauses); ++i) {
    retries_[i] = &retries.Add({{"cause", std::string(kCauses[i])}});
  }
}

void Metrics::RpcDone(absl::string_view method, absl::StatusCode code, const RpcTimes& times) {
  prometheus::Counter* answers;
  prometheus::Histogram* seconds;
  {
    absl::MutexLock lock(&mutex_);
    MethodSeries& series = methods_[method];
    if (series.seconds == nullptr) {
      series.seconds = &rpc_seconds_.Add({{"method", std::string(method)}}, kSeconds);
    }
    auto& counter = series.answers.at(static_cast<std::size_t>(code));
    if (counter == nullptr) {
      counter = &answers_.Add(
          {{"method", std::string(method)}, {"code", absl::StatusCodeToString(code)}});
    }
    answers = counter;
    seconds = series.seconds;
  }
  answers->Increment();
  Observe(*seconds, times.total);
  Observe(queue_seconds_, times.queue);
  // What a call did without is left out, or its zeros would hide what others waited.
  if (times.acquire > absl::ZeroDuration()) Observe(acquire_seconds_, times.acquire);
  if (times.sql > absl::ZeroDuration()) Observe(sql_seconds_, times.sql);
  if (times.commit > absl::ZeroDuration()) Observe(commit_seconds_, times.commit);
}

void Metrics::RpcRefused(absl::Duration took) { Observe(refusal_seconds_, took); }

void Metrics::StatementDone(absl::string_view statement, absl::Duration took) {
  prometheus::Histogram* seconds;
  {
    absl::MutexLock lock(&mutex_);
    auto& series = statements_[statement];
    if (series == nullptr) {
      series = &statement_seconds_.Add({{"statement", std::string(statement)}}, kSeconds);
    }
    seconds = series;
  }
  Observe(*seconds, took);
}

void Metrics::TransactionRetried(RetryCause cause) {
  retries_.at(static_cast<std::size_t>(cause))->Increment();
}

void Metrics::AskAtScrape(Figures figures) {
  absl::MutexLock lock(&mutex_);
  figures_.push_back(std::move(figures));
}

std::vector<StatementFigures> Metrics::CostliestStatements(std::size_t limit) const {
  std::vector<std::pair<std::string, const prometheus::Histogram*>> series;
  {
    absl::MutexLock lock(&mutex_);
    series.assign(statements_.begin(), statements_.end());
  }
  // A histogram stays where it is once made, and has a lock of its own.
  std::vector<StatementFigures> all;
  all.reserve(series.size());
  for (const auto& [name, seconds] : series) all.push_back(FiguresOf(name, *seconds));
  // One that is under way for the first time has no run yet.
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const StatementFigures& figures) { return figures.count == 0; }),
            all.end());
  std::sort(all.begin(), all.end(), [](const StatementFigures& a, const StatementFigures& b) {
    return a.total != b.total ? a.total > b.total : a.name < b.name;
  });
  if (all.size() > limit) all.resize(limit);
  return all;
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  std::vector<prometheus::MetricFamily> all = registry_.Collect();
  std::vector<Figures> asked;
  {
    absl::MutexLock lock(&mutex_);
    asked = figures_;
  }
  for (const Figures& figures : asked) {
    std::vector<prometheus::MetricFamily> families = figures();
    std::move(families.begin(), families.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace aquifer
