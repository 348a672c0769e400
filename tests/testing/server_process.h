// The real server as a child process, for tests that send it signals, kill it and start it again.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>
#include <grpcpp/channel.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace aquifer::testing {

// What to start, beside the program's name.
struct ServerCommand {
  std::vector<std::string> arguments;
  // Set in the environment, as NAME=value.
  std::vector<std::string> variables;
};

// Killed and reaped at destruction, if it still runs.
class ServerProcess {
 public:
  // Starts `aquifer-server` in an environment without Aquifer's or PostgreSQL's variables.
  explicit ServerProcess(const ServerCommand& command);
  // Starts `aquifer-server serve` with these flags, by default with `--port 0`.
  explicit ServerProcess(std::vector<std::string> flags);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Waits until it says that it serves; false if it ends or `timeout` passes before.
  bool AwaitServing(absl::Duration timeout = absl::Seconds(60));
  // Waits until its log holds `text`.
  bool AwaitLog(const std::string& text, absl::Duration timeout = absl::Seconds(20));
  // Waits until it ends: its exit code, or 128 + its signal; nullopt if `timeout` passes before.
  // Then Output() and Log() are whole.
  std::optional<int> AwaitExit(absl::Duration timeout = absl::Seconds(60));

  void Signal(int signal);

  pid_t pid() const { return pid_; }
  // "127.0.0.1:43210", once it serves.
  std::string address() const;
  std::string health_address() const;
  std::string metrics_address() const;
  // A new channel with a connection of its own.
  std::shared_ptr<grpc::Channel> Channel() const;

  // What it wrote so far to standard output and standard error.
  std::string Output() const;
  std::string Log() const;

 private:
  // Copies a pipe into a text until it closes.
  void Drain(int fd, std::string ServerProcess::*text);
  std::string AddressAfter(const std::string& words) const;

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  mutable absl::Mutex mutex_;
  std::string output_ ABSL_GUARDED_BY(mutex_);
  std::string log_ ABSL_GUARDED_BY(mutex_);
  // Both pipes were closed: it ended.
  int open_pipes_ ABSL_GUARDED_BY(mutex_) = 2;
  std::thread output_reader_;
  std::thread log_reader_;
};

// A run of `aquifer-server` to its end.
struct ServerRun {
  // 128 + its signal if it was killed; nullopt if it did not end in a minute.
  std::optional<int> exit_code;
  std::string output;
  std::string errors;
};

ServerRun RunServer(const ServerCommand& command);

}  // namespace aquifer::testing
