// Everything acknowledged is there once, and nothing is there twice, whatever breaks meanwhile: the
// server killed, PostgreSQL killed or frozen, its backends ended one by one.
#include <absl/random/random.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/caller.h"
#include "tests/testing/eventually.h"
#include "tests/testing/processes.h"
#include "tests/testing/server_process.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {
namespace {

using ::testing::IsEmpty;

constexpr int kCallers = 8;
// Each fault once is a round; more of them by AQUIFER_FAULT_ROUNDS, or as many as fit into
// AQUIFER_FAULT_HOURS.
constexpr int kRounds = 2;
constexpr absl::Duration kFreeze = absl::Milliseconds(700);
// What a soak leaves between two faults, to work in: with less, PostgreSQL's supervisor takes its
// deaths for a start that does not last, and waits ever longer.
constexpr absl::Duration kCalm = absl::Seconds(10);

int Rounds() {
  const char* chosen = std::getenv("AQUIFER_FAULT_ROUNDS");
  return chosen == nullptr ? kRounds : std::atoi(chosen);
}

// How long a soak lasts; nothing if this is none.
absl::Duration Soak() {
  const char* chosen = std::getenv("AQUIFER_FAULT_HOURS");
  return chosen == nullptr ? absl::ZeroDuration() : absl::Hours(std::atof(chosen));
}

// What must not grow while a server lives.
struct Holdings {
  double memory_mb = 0;
  int descriptors = 0;
  int backends = 0;
};

// The median of one of them over a part of a soak.
template <typename Field>
double MedianOf(const std::vector<Holdings>& samples, std::size_t begin, std::size_t end,
                Field Holdings::*field) {
  std::vector<double> values;
  for (std::size_t i = begin; i < end; ++i) values.push_back(samples[i].*field);
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class ConservationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StartServer("0");
    port_ = server_->address().substr(server_->address().rfind(':') + 1);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
    channel_ = grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(),
                                         arguments);
    for (int i = 0; i < kCallers; ++i) {
      callers_.push_back(std::make_unique<Caller>(i, channel_));
      threads_.emplace_back([caller = callers_.back().get()] { caller->Run(); });
    }
  }

  void TearDown() override {
    for (const auto& caller : callers_) caller->Stop();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  void StartServer(const std::string& port) {
    server_.emplace(std::vector<std::string>{"--data-dir", directory_.path() + "/data", "--port",
                                             port, "--log-level", "warning"});
    ASSERT_TRUE(server_->AwaitServing()) << server_->Output() << server_->Log();
  }

  pid_t Postmaster() const {
    std::ifstream file(directory_.path() + "/data/postgres/postmaster.pid");
    pid_t pid = 0;
    file >> pid;
    return pid;
  }

  // The backends that work for the server, in no order.
  std::vector<pid_t> Backends() const {
    std::vector<pid_t> backends;
    for (const pid_t pid : ChildrenOf(Postmaster())) {
      std::ifstream file(absl::StrCat("/proc/", pid, "/cmdline"));
      std::string title;
      std::getline(file, title);
      if (title.find("[local]") != std::string::npos) backends.push_back(pid);
    }
    return backends;
  }

  // The faults.
  void KillServer() {
    server_->Signal(SIGKILL);
    server_->AwaitExit();
    StartServer(port_);
  }
  void KillPostgres() { kill(Postmaster(), SIGKILL); }
  void EndBackends() {
    for (const pid_t pid : Backends()) kill(pid, SIGTERM);
  }
  // PostgreSQL starts all anew when one of its processes dies like this.
  void KillOneBackend() {
    const std::vector<pid_t> backends = Backends();
    if (!backends.empty()) {
      kill(backends[absl::Uniform<std::size_t>(random_, 0, backends.size())], SIGKILL);
    }
  }
  void FreezePostgres() {
    const pid_t postmaster = Postmaster();
    std::vector<pid_t> all = ChildrenOf(postmaster);
    all.push_back(postmaster);
    for (const pid_t pid : all) kill(pid, SIGSTOP);
    // The fault itself, not a wait for anything.
    absl::SleepFor(kFreeze);
    for (const pid_t pid : all) kill(pid, SIGCONT);
  }

  std::int64_t Acknowledged() const {
    std::int64_t sum = 0;
    for (const auto& caller : callers_) sum += caller->acknowledged();
    return sum;
  }

  // Until every caller is served again: the time since the fault began.
  absl::Duration Recover(absl::Time began) {
    std::vector<std::int64_t> before;
    for (const auto& caller : callers_) before.push_back(caller->acknowledged());
    EXPECT_TRUE(Eventually([&] {
      for (int i = 0; i < kCallers; ++i) {
        if (callers_[i]->acknowledged() == before[i]) return false;
      }
      return true;
    })) << "not every caller was served again by\n"
        << server_->Log();
    return absl::Now() - began;
  }

  void StopCallers() { TearDown(); }

  Holdings Measure() const {
    const std::string process = absl::StrCat("/proc/", server_->pid());
    Holdings now;
    std::int64_t pages = 0;
    std::int64_t resident = 0;
    std::ifstream(process + "/statm") >> pages >> resident;
    now.memory_mb = static_cast<double>(resident) * sysconf(_SC_PAGESIZE) / 1e6;
    for ([[maybe_unused]] const auto& descriptor :
         std::filesystem::directory_iterator(process + "/fd")) {
      ++now.descriptors;
    }
    now.backends = static_cast<int>(Backends().size());
    return now;
  }

  // Compares the end of a soak with its first half, in which caches fill.
  static void ExpectFlat(const std::vector<Holdings>& samples) {
    ASSERT_GE(samples.size(), 8u) << "too short to tell";
    const std::size_t quarter = samples.size() / 4;
    const auto grew = [&](auto field) {
      const double early = MedianOf(samples, quarter, 2 * quarter, field);
      const double late = MedianOf(samples, samples.size() - quarter, samples.size(), field);
      std::cout << "from " << early << " to " << late << "\n";
      return late - early;
    };
    std::cout << "memory in MB ";
    EXPECT_LE(grew(&Holdings::memory_mb),
              8 + 0.1 * MedianOf(samples, quarter, 2 * quarter, &Holdings::memory_mb));
    std::cout << "descriptors ";
    EXPECT_LE(grew(&Holdings::descriptors), 10);
    std::cout << "backends ";
    EXPECT_LE(grew(&Holdings::backends), 5);
  }

  // What the service has of one device, by second.
  std::map<std::int64_t, v1::Collection> StoredLines(const std::string& device) {
    const auto stub = v1::CollectionRepository::NewStub(channel_);
    std::map<std::int64_t, v1::Collection> lines;
    v1::ListCollectionsRequest request;
    request.mutable_filter()->add_device_ids(device);
    request.set_page_size(1000);
    do {
      grpc::ClientContext context;
      v1::ListCollectionsResponse page;
      EXPECT_TRUE(stub->ListCollections(&context, request, &page).ok());
      for (const auto& line : page.collections()) {
        EXPECT_TRUE(lines.emplace(line.collected_at().seconds(), line).second) << "twice";
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return lines;
  }

  // How often each task is there.
  std::map<std::string, int> StoredTasks() {
    const auto stub = v1::MaintenanceRepository::NewStub(channel_);
    std::map<std::string, int> tasks;
    v1::ListTasksRequest request;
    request.set_page_size(1000);
    do {
      grpc::ClientContext context;
      v1::ListTasksResponse page;
      EXPECT_TRUE(stub->ListTasks(&context, request, &page).ok());
      for (const auto& task : page.tasks()) ++tasks[task.details().title()];
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return tasks;
  }

  TemporaryDirectory directory_;
  std::optional<ServerProcess> server_;
  std::string port_;
  std::shared_ptr<grpc::Channel> channel_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::vector<std::thread> threads_;
  absl::BitGen random_;
};

TEST_F(ConservationTest, WhateverBreaksAllThatWasAcknowledgedIsThereOnce) {
  struct Fault {
    const char* name;
    std::function<void()> strike;
    std::vector<absl::Duration> recoveries;
  };
  std::vector<Fault> faults = {
      {"server killed", [this] { KillServer(); }, {}},
      {"PostgreSQL killed", [this] { KillPostgres(); }, {}},
      {"one backend killed", [this] { KillOneBackend(); }, {}},
      {"backends ended", [this] { EndBackends(); }, {}},
      {"PostgreSQL frozen", [this] { FreezePostgres(); }, {}},
  };

  Recover(absl::Now());
  const absl::Duration soak = Soak();
  const absl::Time end = absl::Now() + soak;
  // One server lives through all of a soak.
  if (soak > absl::ZeroDuration()) faults.erase(faults.begin());
  std::vector<Holdings> samples;
  for (int round = 0; soak > absl::ZeroDuration() ? absl::Now() < end : round < Rounds(); ++round) {
    samples.push_back(Measure());
    std::shuffle(faults.begin(), faults.end(), random_);
    for (Fault& fault : faults) {
      const absl::Time began = absl::Now();
      fault.strike();
      fault.recoveries.push_back(Recover(began));
      if (soak > absl::ZeroDuration()) absl::SleepFor(kCalm);
    }
  }
  StopCallers();
  if (soak > absl::ZeroDuration()) ExpectFlat(samples);

  std::map<std::string, int> tasks;
  std::int64_t repeated = 0;
  for (const auto& caller : callers_) {
    const History& history = caller->history();
    repeated += caller->repeated();
    EXPECT_THAT(history.wrongs, IsEmpty());
    auto stored = StoredLines(caller->device());
    EXPECT_EQ(stored.size(), history.lines.size()) << caller->device();
    for (const History::Line& line : history.lines) {
      const v1::Collection& there = stored[line.second];
      EXPECT_EQ(there.banknotes_minor(), line.banknotes_minor);
      // A correction that happened twice would have made a version more.
      EXPECT_EQ(there.version(), line.corrected ? 2 : 1);
    }
    for (const std::string& task : history.tasks) tasks[task] = 1;
  }
  EXPECT_EQ(StoredTasks(), tasks);
  std::cout << Acknowledged() << " writes acknowledged, " << repeated << " calls repeated\n";
  for (Fault& fault : faults) {
    std::sort(fault.recoveries.begin(), fault.recoveries.end());
    std::cout << fault.name << ": every caller served again after " << fault.recoveries.front()
              << ", median " << fault.recoveries[fault.recoveries.size() / 2] << ", most "
              << fault.recoveries.back() << "\n";
  }
}

}  // namespace
}  // namespace aquifer::testing
