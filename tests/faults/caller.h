// One caller of the conservation workload: writes without end, repeats what got no answer, and
// keeps a history of what was acknowledged.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/random/random.h>
#include <grpcpp/channel.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aquifer/v1/collection.grpc.pb.h"
#include "aquifer/v1/maintenance.grpc.pb.h"

namespace aquifer::testing {

// What one caller knows of its writes. Only what was acknowledged is in it: a caller goes on until
// it has an answer.
struct History {
  struct Line {
    std::int64_t second = 0;
    std::int64_t banknotes_minor = 0;
    bool corrected = false;
  };
  std::vector<Line> lines;
  std::vector<std::string> tasks;
  // What no fault may bring about: errors that a repeat cannot help.
  std::vector<std::string> wrongs;
};

// Used by its own thread; Stop and acknowledged from any.
class Caller {
 public:
  Caller(int number, std::shared_ptr<grpc::Channel> channel);

  // Writes until Stop, then ends with the write under way.
  void Run();
  void Stop() { stopping_ = true; }

  // How many writes were acknowledged so far.
  std::int64_t acknowledged() const { return acknowledged_; }
  // How many answers were lost or refused, and so repeated.
  std::int64_t repeated() const { return repeated_; }

  const std::string& device() const { return device_; }
  // After Run.
  const History& history() const { return history_; }

 private:
  void RecordLine();
  void CorrectLastLine();
  void CreateTask();
  // Calls until there is an answer that no repeat could change; whether it was OK.
  bool CallUntilAnswered(absl::FunctionRef<grpc::Status(grpc::ClientContext&)> call);

  const std::string device_;
  const std::unique_ptr<v1::CollectionRepository::Stub> collections_;
  const std::unique_ptr<v1::MaintenanceRepository::Stub> maintenance_;
  absl::BitGen random_;
  // The line recorded last.
  v1::Collection last_;
  History history_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::int64_t> acknowledged_ = 0;
  std::atomic<std::int64_t> repeated_ = 0;
};

}  // namespace aquifer::testing
