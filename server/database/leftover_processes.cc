#include "server/database/leftover_processes.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "server/database/whole_file.h"

namespace aquifer {
namespace {

namespace fs = std::filesystem;

enum class Kind { kUnrelated, kPostmaster, kBackend, kUnknownPostgres };

// What process `pid` is to `directory`. Only the account's own processes count: nobody else could
// have opened the data, and anybody can choose a title.
Kind KindOf(pid_t pid, const DataDirectory& directory, const Account& account) {
  struct stat info;
  const std::string proc = absl::StrCat("/proc/", pid);
  if (stat(proc.c_str(), &info) != 0 || info.st_uid != account.uid) return Kind::kUnrelated;
  const std::string command_line = ReadWhole(proc + "/cmdline");
  if (absl::StartsWith(command_line, absl::StrCat("postgres: ", directory.cluster_name(), ":"))) {
    return Kind::kBackend;
  }
  const std::vector<std::string> words = absl::StrSplit(command_line, '\0');
  if (words[0] != "postgres" && !absl::EndsWith(words[0], "/postgres")) return Kind::kUnrelated;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    if (words[i] != "-D") continue;
    if (words[i + 1] == directory.postgres()) return Kind::kPostmaster;
    if (words[i + 1] == directory.unfinished_postgres()) return Kind::kPostmaster;
    if (absl::StartsWith(words[i + 1], "/")) return Kind::kUnrelated;
  }
  // Started by hand, with a relative path or none: its working directory would tell.
  std::error_code error;
  const fs::path working_directory = fs::read_symlink(proc + "/cwd", error);
  if (error) return Kind::kUnknownPostgres;
  return working_directory == directory.postgres() ? Kind::kPostmaster : Kind::kUnrelated;
}

struct Leftovers {
  std::vector<pid_t> postmasters;
  std::vector<pid_t> backends;
  bool empty() const { return postmasters.empty() && backends.empty(); }
};

Leftovers Find(const DataDirectory& directory, const Account& account) {
  Leftovers found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    const Kind kind = KindOf(pid, directory, account);
    if (kind == Kind::kPostmaster) found.postmasters.push_back(pid);
    if (kind == Kind::kBackend) found.backends.push_back(pid);
  }
  return found;
}

void SignalAll(const std::vector<pid_t>& pids, int signal) {
  for (pid_t pid : pids) kill(pid, signal);
}

// Ends what is found, more and more firmly. With a postmaster alive its children are its own
// business; without one they only hold the shared memory that the next start needs.
absl::Status EndAll(const DataDirectory& directory, const Account& account, absl::Time deadline) {
  const absl::Time began = absl::Now();
  const absl::Duration budget = deadline - began;
  absl::Duration pause = absl::Milliseconds(5);
  bool asked = false;
  while (true) {
    const Leftovers left = Find(directory, account);
    if (left.empty()) return absl::OkStatus();
    const absl::Duration spent = absl::Now() - began;
    if (spent > budget) {
      return absl::DeadlineExceededError(absl::StrCat(
          "PostgreSQL left over from an earlier server still runs in ", directory.postgres()));
    }
    if (!left.postmasters.empty()) {
      if (!asked) SignalAll(left.postmasters, SIGINT);
      asked = true;
      if (spent > budget / 2) SignalAll(left.postmasters, SIGQUIT);
    } else {
      SignalAll(left.backends, spent > budget / 4 ? SIGKILL : SIGQUIT);
    }
    absl::SleepFor(pause);
    pause = std::min(pause * 2, absl::Milliseconds(50));
  }
}

// PostgreSQL believes postmaster.pid if its process id is alive. With no postmaster of ours left,
// a live one was reused by an unrelated process.
absl::Status RemoveStaleLock(const DataDirectory& directory, const Account& account) {
  const std::string lock = directory.postgres() + "/postmaster.pid";
  std::ifstream in(lock);
  pid_t pid = 0;
  if (!(in >> pid) || pid <= 0 || kill(pid, 0) != 0) return absl::OkStatus();
  if (KindOf(pid, directory, account) == Kind::kUnknownPostgres) {
    return absl::FailedPreconditionError(absl::StrCat(
        lock, " names process ", pid, ", a PostgreSQL that may be using this data: stop it first"));
  }
  unlink(lock.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status ClearLeftovers(const DataDirectory& directory, const Account& account,
                            absl::Time deadline) {
  if (absl::Status status = EndAll(directory, account, deadline); !status.ok()) return status;
  if (absl::Status status = RemoveStaleLock(directory, account); !status.ok()) return status;
  for (const char* name : {"/.s.PGSQL.5432", "/.s.PGSQL.5432.lock"}) {
    unlink((directory.socket_directory() + name).c_str());
  }
  std::error_code error;
  fs::remove_all(directory.unfinished_postgres(), error);
  return absl::OkStatus();
}

}  // namespace aquifer
