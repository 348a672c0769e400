#include "server/database/postgres_cluster.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "server/database/child_process.h"

namespace aquifer {
namespace {

// C.UTF-8 sorts by code point and knows upper and lower case beyond ASCII; not every libc has it.
std::string LocaleName() {
  const locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", nullptr);
  if (locale == nullptr) return "C";
  freelocale(locale);
  return "C.UTF-8";
}

// Puts the rename itself on disk.
void SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

void AddSetting(std::vector<std::string>& command, absl::string_view name,
                absl::string_view value) {
  command.push_back("-c");
  command.push_back(absl::StrCat(name, "=", value));
}

// A path inside a setting that is a list.
std::string Quoted(const std::string& path) {
  return absl::StrCat("\"", absl::StrReplaceAll(path, {{"\"", "\"\""}}), "\"");
}

void AddReachability(std::vector<std::string>& command, const DataDirectory& directory,
                     const LocalPostgresOptions& options) {
  AddSetting(command, "listen_addresses", "");
  AddSetting(command, "port", "5432");
  AddSetting(command, "unix_socket_directories", Quoted(directory.socket_directory()));
  AddSetting(command, "unix_socket_permissions", "0700");
  AddSetting(command, "max_connections", absl::StrCat(options.max_connections));
  AddSetting(command, "cluster_name", directory.cluster_name());
}

// For a machine shared with the server: little memory, few and even writes.
void AddResources(std::vector<std::string>& command, Durability durability) {
  AddSetting(command, "shared_buffers", "128MB");
  AddSetting(command, "work_mem", "16MB");
  AddSetting(command, "maintenance_work_mem", "64MB");
  AddSetting(command, "random_page_cost", "1.1");
  // Our statements are short; compiling them costs more than it gains.
  AddSetting(command, "jit", "off");
  AddSetting(command, "wal_compression", "on");
  AddSetting(command, "max_wal_size", "1GB");
  AddSetting(command, "checkpoint_timeout", "15min");
  const bool safe = durability == Durability::kSafe;
  AddSetting(command, "fsync", safe ? "on" : "off");
  AddSetting(command, "synchronous_commit", safe ? "on" : "off");
  AddSetting(command, "full_page_writes", safe ? "on" : "off");
}

// Before it recovers from a crash, PostgreSQL makes sure that what it will read is on disk. One
// syncfs does that at once; opening and syncing each of the thousand files takes seconds, during
// which every caller waits. Errors of syncfs are reported since Linux 5.8.
void AddQuickRecovery(std::vector<std::string>& command, int major) {
  if (major >= 14) AddSetting(command, "recovery_init_sync_method", "syncfs");
}

// A week of logs. Terse and without statements: details and texts of failed statements carry the
// values of rows, and those may be personal.
void AddLogging(std::vector<std::string>& command, const DataDirectory& directory) {
  AddSetting(command, "logging_collector", "on");
  AddSetting(command, "log_directory", directory.log());
  AddSetting(command, "log_filename", "postgres-%a.log");
  AddSetting(command, "log_file_mode", "0600");
  AddSetting(command, "log_rotation_age", "1d");
  AddSetting(command, "log_rotation_size", "0");
  AddSetting(command, "log_truncate_on_rotation", "on");
  AddSetting(command, "log_timezone", "UTC");
  AddSetting(command, "log_error_verbosity", "terse");
  AddSetting(command, "log_min_error_statement", "panic");
}

}  // namespace

absl::Status InitializeCluster(const DataDirectory& directory, const PostgresPrograms& programs,
                               const Account& account, Durability durability, absl::Time deadline) {
  ChildProgram initdb;
  initdb.argv = {programs.initdb, "-D",         directory.unfinished_postgres(),
                 "--username",    kClusterUser, "--encoding=UTF8",
                 "--auth-local",  "trust",      "--auth-host",
                 "reject",        "--locale",   LocaleName()};
  // Our caller removes it, once it has seen whether it filled the disk.
  initdb.argv.push_back("--no-clean");
  if (durability == Durability::kNone) initdb.argv.push_back("--no-sync");
  initdb.account = account;
  initdb.directory = directory.path();
  initdb.output_file = directory.startup_log();
  initdb.death_signal = SIGKILL;
  const absl::StatusOr<int> code = RunChild(initdb, deadline);
  if (!code.ok()) return code.status();
  if (*code != 0) {
    return absl::UnavailableError(
        absl::StrCat("initdb failed in ", directory.path(), ":\n", directory.LastLogLines()));
  }
  if (rename(directory.unfinished_postgres().c_str(), directory.postgres().c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", directory.postgres()));
  }
  SyncDirectory(directory.path());
  return absl::OkStatus();
}

std::vector<std::string> PostmasterCommand(const DataDirectory& directory,
                                           const PostgresPrograms& programs,
                                           const LocalPostgresOptions& options) {
  std::vector<std::string> command = {programs.postgres, "-D", directory.postgres()};
  AddReachability(command, directory, options);
  AddResources(command, options.durability);
  AddQuickRecovery(command, programs.major);
  AddLogging(command, directory);
  return command;
}

}  // namespace aquifer
