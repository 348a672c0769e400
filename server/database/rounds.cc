#include "server/database/rounds.h"

#include <utility>

#include "repositories/errors.h"

namespace aquifer {

Rounds::Rounds(std::string failure, absl::Duration interval, std::function<absl::Status()> round,
               Log& log)
    : failure_(std::move(failure)), interval_(interval), round_(std::move(round)), log_(log) {}

Rounds::~Rounds() { Stop(); }

absl::Status Rounds::RunOnce() {
  absl::Status status = round_();
  const std::string trouble = status.ok() ? "" : ReasonOf(status);
  {
    absl::MutexLock lock(&mutex_);
    if (trouble == trouble_) return status;
    trouble_ = trouble;
  }
  if (!status.ok()) {
    log_.Write(LogLine(LogLevel::kWarning, failure_)
                   .Add("reason", trouble)
                   .Add("message", status.message()));
  }
  return status;
}

void Rounds::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Rounds::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

bool Rounds::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void Rounds::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), interval_)) return;
    }
    // A failure is in the log already.
    (void)RunOnce();
  }
}

}  // namespace aquifer
