// aquifer_load: calls an Aquifer server (or what speaks its protocol) with so many callers at once
// and prints what came of it as a line of JSON. tests/load/run starts it.
#include <absl/time/clock.h>
#include <grpcpp/create_channel.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "tests/load/caller/callers.h"
#include "tests/load/caller/warm_up.h"

namespace aquifer::load {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(10);

std::vector<std::shared_ptr<grpc::Channel>> Connect(const RunPlan& plan) {
  grpc::ChannelArguments arguments;
  // Else every channel would be the same connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // What fails counts as failed; and to be ready to retry costs 3 us a call.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < plan.channels; ++i) {
    channels.push_back(
        grpc::CreateCustomChannel(plan.target, grpc::InsecureChannelCredentials(), arguments));
    const auto deadline = absl::ToChronoTime(absl::Now() + kConnectTimeout);
    if (!channels.back()->WaitForConnected(deadline)) return {};
  }
  return channels;
}

// The part of the callers, or of the channels, that thread `i` has.
int ShareOf(int whole, int threads, int i) { return whole / threads + (i < whole % threads); }

int Run(const RunPlan& plan, const Workload& workload) {
  const auto channels = Connect(plan);
  if (channels.empty()) {
    std::cerr << "aquifer_load: nothing serves at " << plan.target << std::endl;
    return 1;
  }
  std::vector<std::unique_ptr<Callers>> parts;
  for (int i = 0; i < plan.threads; ++i) {
    std::vector<std::shared_ptr<grpc::Channel>> own;
    for (std::size_t c = i; c < channels.size(); c += plan.threads) own.push_back(channels[c]);
    parts.push_back(
        std::make_unique<Callers>(plan, workload, ShareOf(plan.callers, plan.threads, i), own));
  }
  const absl::Time begin = absl::Now() + plan.warm_up;
  std::vector<std::thread> threads;
  threads.push_back(TellWhenWarm(plan.warm_up));
  for (std::size_t i = 1; i < parts.size(); ++i) {
    threads.emplace_back([&part = *parts[i]] { part.Run(); });
  }
  parts[0]->Run();
  for (std::thread& thread : threads) thread.join();
  const absl::Duration elapsed = absl::Now() - begin;

  Tally tally;
  for (const auto& part : parts) tally.Add(part->tally());
  tally.Print(elapsed, std::cout);
  return 0;
}

int Main(int argc, char** argv) {
  RunPlan plan;
  double warm_seconds = 0;
  double seconds = 3;
  CLI::App app("Calls an Aquifer server and prints what came of it as JSON.");
  app.add_option("--target", plan.target, "host:port or unix:/path")->required();
  app.add_option("--workload", plan.workload,
                 "reads, saves, mixed, hot, ranges, summary or history");
  app.add_option("--callers", plan.callers, "Calls outstanding at once.")
      ->check(CLI::PositiveNumber);
  app.add_option("--channels", plan.channels, "Connections.")->check(CLI::PositiveNumber);
  app.add_option("--threads", plan.threads, "Threads.")->check(CLI::PositiveNumber);
  app.add_option("--seconds", seconds, "How long.")->check(CLI::PositiveNumber);
  app.add_option("--warm-seconds", warm_seconds, "How long before it counts.")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--rate", plan.rate, "Calls a second; 0 for as many as go.");
  app.add_option("--lines", plan.history.lines, "Lines of the history.")
      ->check(CLI::PositiveNumber);
  app.add_option("--devices", plan.history.devices, "Devices of the history.")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  plan.warm_up = absl::Seconds(warm_seconds);
  plan.length = absl::Seconds(seconds);
  plan.threads = std::min(plan.threads, plan.callers);
  plan.channels = std::max(plan.channels, plan.threads);

  const auto workload = WorkloadNamed(plan.workload);
  if (!workload) {
    std::cerr << "aquifer_load: no workload " << plan.workload << std::endl;
    return 2;
  }
  return Run(plan, *workload);
}

}  // namespace
}  // namespace aquifer::load

int main(int argc, char** argv) { return aquifer::load::Main(argc, argv); }
