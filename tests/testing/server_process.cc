#include "tests/testing/server_process.h"

#include <absl/strings/match.h>
#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

extern char** environ;

namespace aquifer::testing {
namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

// The environment without what would steer the server or its database.
std::vector<std::string> CleanEnvironment() {
  std::vector<std::string> clean;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const absl::string_view text = *entry;
    if (absl::StartsWith(text, "AQUIFER_") || absl::StartsWith(text, "PG") ||
        absl::StartsWith(text, "DATABASE_URL=")) {
      continue;
    }
    clean.emplace_back(text);
  }
  return clean;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

ServerCommand ServeWith(std::vector<std::string> flags) {
  ServerCommand command{{"serve"}, {}};
  for (const char* port : {"--port", "--health-port"}) {
    if (std::find(flags.begin(), flags.end(), port) != flags.end()) continue;
    command.arguments.insert(command.arguments.end(), {port, "0"});
  }
  for (std::string& flag : flags) command.arguments.push_back(std::move(flag));
  return command;
}

}  // namespace

ServerProcess::ServerProcess(std::vector<std::string> flags)
    : ServerProcess(ServeWith(std::move(flags))) {}

ServerProcess::ServerProcess(const ServerCommand& command) {
  std::vector<std::string> arguments = {AQUIFER_SERVER_PATH};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> environment = CleanEnvironment();
  environment.insert(environment.end(), command.variables.begin(), command.variables.end());

  int output[2], log[2];
  if (pipe2(output, O_CLOEXEC) != 0 || pipe2(log, O_CLOEXEC) != 0) Die("pipe2");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, log[1], STDERR_FILENO);
  const int error = posix_spawn(&pid_, arguments[0].c_str(), &actions, nullptr,
                                Pointers(arguments).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) Die(arguments[0].c_str());
  close(output[1]);
  close(log[1]);
  output_reader_ = std::thread([this, fd = output[0]] { Drain(fd, &ServerProcess::output_); });
  log_reader_ = std::thread([this, fd = log[0]] { Drain(fd, &ServerProcess::log_); });
}

ServerProcess::~ServerProcess() {
  if (!exit_code_) {
    Signal(SIGKILL);
    AwaitExit();
  }
  output_reader_.join();
  log_reader_.join();
}

void ServerProcess::Drain(int fd, std::string ServerProcess::*text) {
  char buffer[4096];
  for (;;) {
    const ssize_t size = read(fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    absl::MutexLock lock(&mutex_);
    if (size <= 0) {
      --open_pipes_;
      break;
    }
    (this->*text).append(buffer, static_cast<std::size_t>(size));
  }
  close(fd);
}

bool ServerProcess::AwaitServing(absl::Duration timeout) {
  const auto known = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return open_pipes_ == 0 || absl::StrContains(output_, "\nPress Ctrl-C to stop");
  };
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&known), timeout);
  return open_pipes_ != 0 && known();
}

bool ServerProcess::AwaitLog(const std::string& text, absl::Duration timeout) {
  const auto there = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return open_pipes_ == 0 || absl::StrContains(log_, text);
  };
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&there), timeout);
  return absl::StrContains(log_, text);
}

std::optional<int> ServerProcess::AwaitExit(absl::Duration timeout) {
  if (exit_code_) return exit_code_;
  // By number: the wrapper came with glibc 2.36 and not every supported system has it.
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (process < 0) Die("pidfd_open");
  pollfd ended = {process, POLLIN, 0};
  const int ready = poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
  close(process);
  if (ready <= 0) return std::nullopt;
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const auto drained = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return open_pipes_ == 0; };
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&drained), timeout);
  return exit_code_;
}

void ServerProcess::Signal(int signal) { kill(pid_, signal); }

std::string ServerProcess::address() const { return AddressAfter("serving on "); }

std::string ServerProcess::health_address() const { return AddressAfter("health alone on "); }

std::string ServerProcess::metrics_address() const { return AddressAfter("metrics on http://"); }

std::string ServerProcess::AddressAfter(const std::string& words) const {
  const std::string output = Output();
  const std::size_t at = output.find(words);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + words.size();
  return output.substr(begin, output.find_first_of(" /\n", begin) - begin);
}

std::shared_ptr<grpc::Channel> ServerProcess::Channel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address(), grpc::InsecureChannelCredentials(), arguments);
}

std::string ServerProcess::Output() const {
  absl::MutexLock lock(&mutex_);
  return output_;
}

std::string ServerProcess::Log() const {
  absl::MutexLock lock(&mutex_);
  return log_;
}

ServerRun RunServer(const ServerCommand& command) {
  ServerProcess process(command);
  const std::optional<int> exit_code = process.AwaitExit();
  return {exit_code, process.Output(), process.Log()};
}

}  // namespace aquifer::testing
