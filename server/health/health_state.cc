#include "server/health/health_state.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

namespace aquifer {
namespace {

const char* NameOf(bool serving) { return serving ? "SERVING" : "NOT_SERVING"; }

void LogChange(Log& log, absl::string_view service, bool before, bool after,
               absl::string_view reason) {
  if (before == after) return;
  log.Write(LogLine(after ? LogLevel::kInfo : LogLevel::kWarning, "health_changed")
                .Add("service", service)
                .Add("from", NameOf(before))
                .Add("to", NameOf(after))
                .Add("reason", reason));
}

}  // namespace

HealthState::HealthState(HealthStateOptions options, Log& log)
    : log_(log),
      clock_(std::move(options.clock)),
      progress_limit_(options.progress_limit),
      readiness_(options.bad_to_fall, options.good_to_rise),
      reason_("the database has not been looked at yet") {
  for (std::string& name : options.follow_readiness) {
    services_.emplace(std::move(name), Follows::kReadiness);
  }
  for (std::string& name : options.follow_liveness) {
    services_.emplace(std::move(name), Follows::kLiveness);
  }
  services_.emplace("", Follows::kReadiness);
  services_.emplace("readiness", Follows::kReadiness);
  services_.emplace("liveness", Follows::kProcess);
}

std::optional<ServingStatus> HealthState::StatusOf(absl::string_view service) const {
  const auto found = services_.find(service);
  if (found == services_.end()) return std::nullopt;
  const absl::Duration now = clock_();

  absl::MutexLock lock(&mutex_);
  bool serving = false;
  switch (found->second) {
    case Follows::kReadiness:
      serving = published_.ready;
      break;
    case Follows::kLiveness:
      serving = LiveAt(now) && !draining_;
      break;
    case Follows::kProcess:
      // Judged while it is asked, so that it falls even if no thread is left to notice.
      serving = LiveAt(now);
      break;
  }
  return serving ? ServingStatus::kServing : ServingStatus::kNotServing;
}

HealthSnapshot HealthState::Snapshot() const {
  const absl::Duration now = clock_();
  absl::MutexLock lock(&mutex_);
  HealthSnapshot snapshot = published_;
  snapshot.live = LiveAt(now);
  snapshot.reason = reason_;
  return snapshot;
}

void HealthState::ReportLook(const HealthLook& look) {
  const absl::Duration now = clock_();
  Announcement announcement;
  {
    absl::MutexLock lock(&mutex_);
    readiness_.Observe(look.sign);
    reason_ = look.sign == Sign::kGood ? "" : look.reason;
    look_due_ = now + look.next_within;
    announcement = Settle(now);
  }
  Announce(announcement);
}

void HealthState::Tick(Progress executor) {
  const absl::Duration now = clock_();
  Announcement announcement;
  {
    absl::MutexLock lock(&mutex_);
    if (executor == Progress::kMade || !last_tick_.has_value()) last_progress_ = now;
    last_tick_ = now;
    if (now > look_due_) {
      readiness_.Observe(Sign::kBad);
      reason_ = absl::StrCat("the look at the database is overdue by ",
                             absl::FormatDuration(now - look_due_));
    }
    announcement = Settle(now);
  }
  Announce(announcement);
}

void HealthState::SetDraining() {
  const absl::Duration now = clock_();
  Announcement announcement;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    announcement = Settle(now);
  }
  Announce(announcement);
}

void HealthState::Subscribe(std::shared_ptr<HealthWatcher> watcher) {
  absl::MutexLock lock(&mutex_);
  watchers_.push_back(std::move(watcher));
}

void HealthState::Unsubscribe(const HealthWatcher* watcher) {
  // The last reference may be ours: destroyed after the lock.
  std::shared_ptr<HealthWatcher> removed;
  absl::MutexLock lock(&mutex_);
  const auto found = std::find_if(watchers_.begin(), watchers_.end(),
                                  [&](const auto& held) { return held.get() == watcher; });
  if (found == watchers_.end()) return;
  removed = std::move(*found);
  *found = std::move(watchers_.back());
  watchers_.pop_back();
}

bool HealthState::LiveAt(absl::Duration now) const {
  if (!last_tick_.has_value()) return true;
  return now - *last_tick_ <= progress_limit_ && now - last_progress_ <= progress_limit_;
}

HealthState::Announcement HealthState::Settle(absl::Duration now) {
  Announcement announcement;
  announcement.before = published_;
  published_.ready = readiness_.high() && !draining_;
  published_.live = LiveAt(now);
  published_.draining = draining_;
  announcement.after = published_;
  announcement.after.reason = reason_;
  const HealthSnapshot& before = announcement.before;
  if (before.ready != published_.ready || before.live != published_.live ||
      before.draining != published_.draining) {
    announcement.watchers = watchers_;
  }
  return announcement;
}

void HealthState::Announce(const Announcement& announcement) {
  const HealthSnapshot& before = announcement.before;
  const HealthSnapshot& after = announcement.after;
  LogChange(log_, "readiness", before.ready, after.ready,
            after.draining ? "the server is shutting down"
            : after.ready  ? "the database, its schema and the pool are ready"
                           : absl::string_view(after.reason));
  LogChange(log_, "liveness", before.live, after.live,
            after.live ? "the process moves again" : "the process stands still");
  for (const std::shared_ptr<HealthWatcher>& watcher : announcement.watchers) {
    watcher->OnHealthChanged();
  }
}

}  // namespace aquifer
