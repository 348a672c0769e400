// Callers of the C++ client that write without pause and say what was acknowledged, for a test that
// breaks what is behind them.
//
// Usage: aquifer_acknowledged_load ADDRESS CALLERS
// Prints a line a call, "<seconds since 1970> <caller> line|task <number>", or "failed <words>" in
// place of the last two, until its input ends.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>

#include <atomic>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "aquifer/client.h"

namespace aquifer {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(90);
// 2026-03-28 in Kyiv.
constexpr std::int64_t kFirstSecond = 1774648800;

class Callers {
 public:
  explicit Callers(const client::Client& client) : client_(client) {}

  void Run(int count) {
    std::vector<std::thread> threads;
    for (int caller = 0; caller < count; ++caller) {
      threads.emplace_back([this, caller] { Write(caller); });
    }
    while (std::cin.get() != EOF) {
    }
    stopping_ = true;
    for (std::thread& thread : threads) thread.join();
  }

 private:
  void Write(int caller) {
    for (int number = 0; !stopping_; ++number) {
      v1::RecordCollectionRequest line;
      line.mutable_line()->set_device_id(absl::StrCat("caller-", caller));
      line.mutable_line()->mutable_collected_at()->set_seconds(kFirstSecond + number);
      line.mutable_line()->set_banknotes_minor(100);
      const auto recorded = client_.collections().RecordCollection(line, {.timeout = kTimeout});
      Tell(caller, "line", number, recorded.status());
      v1::CreateTaskRequest task;
      task.mutable_details()->set_title(absl::StrCat("caller-", caller, " ", number));
      task.mutable_details()->set_type(v1::TASK_TYPE_SYSTEM_CLEANING);
      const auto created = client_.maintenance().CreateTask(task, {.timeout = kTimeout});
      Tell(caller, "task", number, created.status());
    }
  }

  void Tell(int caller, const char* kind, int number, const absl::Status& status) {
    const double now = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
    const std::string what =
        status.ok() ? absl::StrCat(kind, " ", number) : absl::StrCat("failed ", status.ToString());
    absl::MutexLock lock(&mutex_);
    absl::PrintF("%.6f %d %s\n", now, caller, what);
    std::fflush(stdout);
  }

  const client::Client& client_;
  std::atomic<bool> stopping_ = false;
  // One line at a time.
  absl::Mutex mutex_;
};

}  // namespace
}  // namespace aquifer

int main(int count, char** arguments) {
  int callers = 0;
  if (count != 3 || !absl::SimpleAtoi(arguments[2], &callers)) {
    std::cerr << "usage: aquifer_acknowledged_load ADDRESS CALLERS\n";
    return 2;
  }
  const auto client = aquifer::client::Connect({.endpoints = {arguments[1]}});
  if (!client.ok()) {
    std::cerr << client.status() << "\n";
    return 1;
  }
  aquifer::Callers(*client).Run(callers);
}
