#include "tests/client/load.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>

namespace aquifer::testing {
namespace {

// 2026-03-28 in Kyiv.
constexpr std::int64_t kFirstSecond = 1774648800;

}  // namespace

Load::Load(const client::Client& client, int callers, absl::Duration timeout)
    : client_(client), timeout_(timeout) {
  for (int i = 0; i < callers; ++i) threads_.emplace_back([this, i] { Run(i); });
}

bool Load::AwaitCalls(std::int64_t more) {
  absl::MutexLock lock(&mutex_);
  const std::int64_t wanted = figures_.calls() + more;
  const auto done = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return figures_.calls() >= wanted || !figures_.failures.empty();
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&done), absl::Minutes(1)) &&
         figures_.failures.empty();
}

void Load::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

LoadFigures Load::Figures() const {
  absl::MutexLock lock(&mutex_);
  return figures_;
}

void Load::Run(int caller) {
  const std::string device = absl::StrCat("device-", caller);
  for (int turn = 0; !stopping_; ++turn) {
    client::CallReport report;
    const client::CallOptions options = {.timeout = timeout_, .report = &report};
    const auto call = [&](const auto& method, const auto& request, auto kind) {
      const absl::Time began = absl::Now();
      const auto answer = method(request, options);
      {
        absl::MutexLock lock(&mutex_);
        figures_.repeats += report.tries - 1;
      }
      if (!Count(answer.status(), kind, began)) stopping_ = true;
    };
    v1::RecordCollectionRequest record;
    record.mutable_line()->set_device_id(device);
    record.mutable_line()->mutable_collected_at()->set_seconds(kFirstSecond + turn);
    record.mutable_line()->set_banknotes_minor(100);
    call(client_.collections().RecordCollection, record, &LoadFigures::lines);
    v1::GetCollectionRequest get;
    get.mutable_key()->set_device_id(device);
    *get.mutable_key()->mutable_collected_at() = record.line().collected_at();
    call(client_.collections().GetCollection, get, &LoadFigures::reads);
    v1::CreateTaskRequest create;
    create.mutable_details()->set_title(absl::StrCat(device, " task ", turn));
    create.mutable_details()->set_type(v1::TASK_TYPE_SYSTEM_CLEANING);
    call(client_.maintenance().CreateTask, create, &LoadFigures::tasks);
  }
}

bool Load::Count(const absl::Status& status, std::int64_t LoadFigures::*kind, absl::Time began) {
  const absl::Duration took = absl::Now() - began;
  absl::MutexLock lock(&mutex_);
  figures_.slowest = std::max(figures_.slowest, took);
  if (status.ok()) {
    ++(figures_.*kind);
  } else {
    figures_.failures.push_back(
        absl::StrCat(status.ToString(), " after ", absl::FormatDuration(took)));
  }
  return status.ok();
}

}  // namespace aquifer::testing
