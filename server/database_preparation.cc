#include "server/database_preparation.h"

#include <utility>

namespace aquifer {
namespace {

// Often enough that the server is ready within 2 s of the database's return.
constexpr absl::Duration kPause = absl::Milliseconds(500);

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
  const absl::Status status = prepare_();
  if (status.ok()) {
    absl::MutexLock lock(&mutex_);
    done_ = true;
    return status;
  }
  if (!MayPass(status)) return status;
  log_.Write(LogLine(LogLevel::kWarning, "database not ready").Add("error", status.message()));
  thread_ = std::thread([this] { KeepTrying(); });
  return absl::OkStatus();
}

bool DatabasePreparation::done() const {
  absl::MutexLock lock(&mutex_);
  return done_;
}

void DatabasePreparation::KeepTrying() {
  std::string last;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kPause)) return;
    }
    const absl::Status status = prepare_();
    if (status.ok()) break;
    // A new reason gets a line, the same one again does not.
    if (status.message() != last) {
      last = std::string(status.message());
      log_.Write(LogLine(LogLevel::kWarning, "database not ready").Add("error", last));
    }
  }
  log_.Write(LogLine(LogLevel::kInfo, "database ready"));
  absl::MutexLock lock(&mutex_);
  done_ = true;
}

}  // namespace aquifer
