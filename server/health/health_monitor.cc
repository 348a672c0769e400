#include "server/health/health_monitor.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

#include "repositories/errors.h"

namespace aquifer {

HealthMonitor::HealthMonitor(HealthMonitorOptions options, HealthState& state)
    : options_(std::move(options)),
      state_(state),
      probe_({.urls = options_.urls,
              .application_name = options_.application_name,
              .look_timeout = options_.look_timeout}) {
  view_.schema_min = options_.schema_min;
  view_.schema_max = options_.schema_max;
}

HealthMonitor::~HealthMonitor() { Stop(); }

void HealthMonitor::Start() {
  pulse_ = std::thread([this] { RunPulse(); });
  looks_ = std::thread([this] { RunLooks(); });
}

void HealthMonitor::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  probe_.Interrupt();
  if (looks_.joinable()) looks_.join();
  if (pulse_.joinable()) pulse_.join();
}

DatabaseView HealthMonitor::View() const {
  absl::MutexLock lock(&mutex_);
  return view_;
}

void HealthMonitor::RunLooks() {
  while (true) {
    const absl::Duration pause = LookOnce();
    probe_.Pause(pause);
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
  }
}

absl::Duration HealthMonitor::LookOnce() {
  const absl::StatusOr<DatabaseFacts> facts = probe_.Look();
  // An interrupted look says nothing about the database.
  if (absl::IsCancelled(facts.status())) return absl::ZeroDuration();
  if (pool_ == PoolWarmth::kCold) pool_ = options_.pool_warmth();

  DatabaseView view = View();
  if (facts.ok()) {
    view.facts = *facts;
    view.seen_at = absl::Now();
    view.trouble.clear();
  } else {
    view.trouble = std::string(facts.status().message());
  }
  HealthLook look = JudgeView(view, pool_);
  const absl::Duration pause = PauseAfter(facts.status(), look.sign);
  // A look that takes all of its time is slow, one that takes twice as long hangs.
  look.next_within = pause + 2 * options_.look_timeout;
  {
    absl::MutexLock lock(&mutex_);
    view_ = std::move(view);
  }
  state_.ReportLook(look);
  if (facts.ok()) options_.on_answer(probe_.host());
  return pause;
}

absl::Duration HealthMonitor::PauseAfter(const absl::Status& looked, Sign sign) {
  if (ReasonOf(looked) == EntryOf(Reason::kDatabaseRefused).name) {
    refused_pause_ = std::clamp(refused_pause_ * 2, absl::Seconds(1),
                                std::max(absl::Seconds(1), options_.interval_while_refused));
    return refused_pause_;
  }
  refused_pause_ = absl::ZeroDuration();
  return sign == Sign::kGood ? options_.interval : options_.interval_while_bad;
}

void HealthMonitor::RunPulse() {
  while (true) {
    state_.Tick(options_.executor_progress());
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), options_.pulse)) return;
  }
}

}  // namespace aquifer
