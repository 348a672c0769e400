#include "server/database_preparation.h"

#include <utility>

namespace aquifer {
namespace {

// Often enough that the server is ready within 2 s of the database's return.
constexpr absl::Duration kPause = absl::Milliseconds(500);
// After a failure that somebody has to look at.
constexpr absl::Duration kLongPause = absl::Seconds(15);

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status);
}

}  // namespace

DatabasePreparation::DatabasePreparation(std::function<absl::Status()> prepare, Log& log)
    : prepare_(std::move(prepare)), log_(log) {}

DatabasePreparation::~DatabasePreparation() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status DatabasePreparation::Begin() {
  absl::Status status = prepare_();
  if (status.ok()) {
    absl::MutexLock lock(&mutex_);
    done_ = true;
    return status;
  }
  if (!MayPass(status)) return status;
  NoteProblem(status);
  thread_ = std::thread([this] { KeepTrying(kPause); });
  return absl::OkStatus();
}

bool DatabasePreparation::done() const {
  absl::MutexLock lock(&mutex_);
  return done_;
}

std::string DatabasePreparation::problem() const {
  absl::MutexLock lock(&mutex_);
  return problem_;
}

void DatabasePreparation::NoteProblem(const absl::Status& status) {
  const std::string problem(status.message());
  {
    absl::MutexLock lock(&mutex_);
    if (problem == problem_) return;
    problem_ = problem;
  }
  log_.Write(LogLine(LogLevel::kWarning, "database_not_ready").Add("error", problem));
}

void DatabasePreparation::KeepTrying(absl::Duration pause) {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause)) return;
    }
    const absl::Status status = prepare_();
    if (status.ok()) break;
    NoteProblem(status);
    pause = MayPass(status) ? kPause : kLongPause;
  }
  log_.Write(LogLine(LogLevel::kInfo, "database_ready"));
  absl::MutexLock lock(&mutex_);
  problem_.clear();
  done_ = true;
}

}  // namespace aquifer
