#include "server/database/local_postgres.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/clock.h>
#include <libpq-fe.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "server/database/child_process.h"
#include "server/database/disk_space.h"
#include "server/database/leftover_processes.h"
#include "server/database/libpq_handles.h"
#include "server/database/postgres_cluster.h"

namespace aquifer {
namespace {

constexpr char kDatabase[] = "aquifer";
constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(10);
// A PostgreSQL that ran this long was well: the next death is a first one again.
constexpr absl::Duration kLasting = absl::Seconds(30);
constexpr absl::Duration kLeftoverTimeout = absl::Seconds(30);
constexpr absl::Duration kQuitTimeout = absl::Seconds(5);

// Everything but letters, digits and what a path is made of, as %XX.
std::string UrlEncoded(absl::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      absl::StrAppendFormat(&out, "%%%02X", c);
    }
  }
  return out;
}

std::string UrlOver(const std::string& socket_directory, const std::string& owner,
                    const std::string& database) {
  return absl::StrCat("postgresql:///", UrlEncoded(database),
                      "?host=", UrlEncoded(socket_directory), "&user=", kClusterUser,
                      "&requirepeer=", UrlEncoded(owner));
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalPostgres>> LocalPostgres::Start(
    const LocalPostgresOptions& options, Log& log) {
  const absl::StatusOr<Account> account = PostgresAccount();
  if (!account.ok()) return account.status();
  absl::StatusOr<DataDirectory> directory = DataDirectory::Open(options.data_dir, *account);
  if (!directory.ok()) return ExplainFullDisk(directory.status(), options.data_dir);
  const absl::StatusOr<std::optional<int>> major = directory->PostgresMajor();
  if (!major.ok()) return major.status();
  const absl::StatusOr<PostgresPrograms> programs = FindPostgres(options.bindir, *account, *major);
  if (!programs.ok()) return programs.status();

  std::unique_ptr<LocalPostgres> postgres(
      new LocalPostgres(options, *account, *std::move(directory), *programs, log));
  absl::Status started;
  {
    absl::MutexLock lock(&postgres->mutex_);
    postgres->mutex_.Await(absl::Condition(&postgres->first_start_done_));
    started = postgres->first_start_;
  }
  if (started.ok()) {
    started = ExplainFullDisk(postgres->EnsureDatabase(), postgres->directory_.path());
  }
  if (!started.ok()) return started;
  return postgres;
}

absl::StatusOr<std::string> LocalPostgres::UrlOfRunning(const std::string& data_dir) {
  const absl::StatusOr<Account> account = PostgresAccount();
  if (!account.ok()) return account.status();
  std::error_code error;
  const std::string path = std::filesystem::canonical(data_dir, error);
  if (error) return absl::NotFoundError(absl::StrCat("no data directory ", data_dir));
  return UrlOver(DataDirectory::SocketDirectoryOf(path), account->name, kDatabase);
}

bool LocalPostgres::Exists(const std::string& data_dir) {
  std::error_code error;
  return std::filesystem::exists(DataDirectory::PostgresOf(data_dir), error) || error;
}

LocalPostgres::LocalPostgres(LocalPostgresOptions options, Account account, DataDirectory directory,
                             PostgresPrograms programs, Log& log)
    : options_(std::move(options)),
      account_(std::move(account)),
      directory_(std::move(directory)),
      programs_(std::move(programs)),
      log_(log),
      supervisor_([this] { Supervise(); }) {}

LocalPostgres::~LocalPostgres() {
  Stop();
  supervisor_.join();
}

std::string LocalPostgres::UrlOf(const std::string& database) const {
  return UrlOver(directory_.socket_directory(), account_.name, database);
}

pid_t LocalPostgres::pid() const {
  absl::MutexLock lock(&mutex_);
  return pid_;
}

int LocalPostgres::restarts() const {
  absl::MutexLock lock(&mutex_);
  return restarts_;
}

bool LocalPostgres::Stopping() const {
  absl::MutexLock lock(&mutex_);
  return state_ == State::kStopping;
}

void LocalPostgres::Signal(int signal) {
  // Under the lock, so that the id is not reaped and reused in between.
  absl::MutexLock lock(&mutex_);
  if (pid_ > 0) kill(pid_, signal);
}

void LocalPostgres::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    state_ = State::kStopping;
  }
  const auto gone_within = [this](absl::Duration timeout) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(
                                       +[](pid_t* pid) { return *pid == 0; }, &pid_),
                                   timeout);
  };
  Signal(SIGINT);
  if (gone_within(options_.stop_timeout)) return;
  log_.Write(LogLine(LogLevel::kWarning, "postgres_stop_slow").Add("next", "immediate"));
  Signal(SIGQUIT);
  if (gone_within(kQuitTimeout)) return;
  Signal(SIGKILL);
  gone_within(kQuitTimeout);
}

void LocalPostgres::Supervise() {
  absl::Status started = StartOnce();
  {
    absl::MutexLock lock(&mutex_);
    first_start_ = started;
    first_start_done_ = true;
    if (!started.ok()) return;
    if (state_ == State::kStarting) state_ = State::kRunning;
  }
  int failures = 0;
  while (true) {
    const absl::Time began = absl::Now();
    if (started.ok()) {
      const pid_t child = pid();
      AwaitExit(child, absl::InfiniteFuture());
      const int code = Forget(child);
      if (Stopping()) {
        log_.Write(LogLine(LogLevel::kInfo, "postgres_stopped").Add("exit_code", code));
        return;
      }
      log_.Write(LogLine(LogLevel::kError, "postgres_died").Add("exit_code", code));
    } else {
      log_.Write(LogLine(LogLevel::kError, "postgres_start_failed")
                     .Add("error", std::string(started.message())));
    }
    failures = absl::Now() - began > kLasting ? 0 : failures + 1;
    if (!Pause(failures)) return;
    started = StartOnce();
    absl::MutexLock lock(&mutex_);
    if (started.ok()) ++restarts_;
  }
}

bool LocalPostgres::Pause(int failures) {
  absl::Duration pause = absl::ZeroDuration();
  for (int i = 1; i < failures; ++i) {
    pause = std::min(kLongestPause, std::max(kFirstPause, pause * 2));
  }
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(
      absl::Condition(
          +[](State* state) { return *state == State::kStopping; }, &state_),
      pause);
}

int LocalPostgres::Forget(pid_t pid) {
  absl::MutexLock lock(&mutex_);
  const int code = Reap(pid);
  pid_ = 0;
  return code;
}

absl::Status LocalPostgres::StartOnce() {
  absl::Status status = ExplainFullDisk(TryStart(), directory_.path());
  std::error_code ignored;
  if (!status.ok()) std::filesystem::remove_all(directory_.unfinished_postgres(), ignored);
  return status;
}

absl::Status LocalPostgres::TryStart() {
  const absl::Time began = absl::Now();
  const absl::Time deadline = began + options_.start_timeout;
  absl::Status status =
      ClearLeftovers(directory_, account_, std::min(deadline, began + kLeftoverTimeout));
  if (!status.ok()) return status;
  if (status = directory_.ResetStartupLog(); !status.ok()) return status;
  const absl::StatusOr<std::optional<int>> major = directory_.PostgresMajor();
  if (!major.ok()) return major.status();
  if (!major->has_value()) {
    status = InitializeCluster(directory_, programs_, account_, options_.durability, deadline);
    if (!status.ok()) return status;
    log_.Write(LogLine(LogLevel::kInfo, "postgres_initialized")
                   .Add("data_dir", directory_.path())
                   .Add("major", programs_.major));
  }

  ChildProgram postmaster;
  postmaster.argv = PostmasterCommand(directory_, programs_, options_);
  postmaster.account = account_;
  postmaster.directory = directory_.path();
  postmaster.output_file = directory_.startup_log();
  postmaster.death_signal = SIGINT;
  absl::StatusOr<pid_t> child = StartChild(postmaster);
  if (!child.ok()) return child.status();
  {
    absl::MutexLock lock(&mutex_);
    pid_ = *child;
    // Stop may have looked for the child before there was one.
    if (state_ == State::kStopping) kill(pid_, SIGINT);
  }
  if (status = AwaitReady(*child, deadline); !status.ok()) return status;
  log_.Write(LogLine(LogLevel::kInfo, "postgres_started")
                 .Add("process", std::int64_t{*child})
                 .Add("milliseconds", absl::ToInt64Milliseconds(absl::Now() - began)));
  return absl::OkStatus();
}

absl::Status LocalPostgres::AwaitReady(pid_t pid, absl::Time deadline) {
  // A postmaster that takes the connection and never answers must not hold us up.
  const std::string url = absl::StrCat(UrlOf("postgres"), "&connect_timeout=2");
  absl::Duration pause = absl::Milliseconds(10);
  while (PQping(url.c_str()) != PQPING_OK) {
    if (AwaitExit(pid, absl::Now() + pause)) {
      const int code = Forget(pid);
      return absl::UnavailableError(absl::StrCat("PostgreSQL ended with code ", code,
                                                 " as it started in ", directory_.path(), ":\n",
                                                 directory_.LastLogLines()));
    }
    if (absl::Now() > deadline || Stopping()) {
      kill(pid, SIGQUIT);
      if (!AwaitExit(pid, absl::Now() + kQuitTimeout)) kill(pid, SIGKILL);
      Forget(pid);
      return absl::DeadlineExceededError(absl::StrCat(
          "PostgreSQL in ", directory_.path(), " took no connections within ",
          absl::FormatDuration(options_.start_timeout), ":\n", directory_.LastLogLines()));
    }
    pause = std::min(pause * 2, absl::Milliseconds(50));
  }
  return absl::OkStatus();
}

absl::Status LocalPostgres::EnsureDatabase() const {
  const ConnectionHandle connection(
      PQconnectdb(absl::StrCat(UrlOf("postgres"), "&connect_timeout=10").c_str()));
  const auto fail = [&] {
    return absl::UnavailableError(absl::StrCat("cannot make the database in ", directory_.path(),
                                               ": ", PQerrorMessage(connection.get())));
  };
  if (PQstatus(connection.get()) != CONNECTION_OK) return fail();
  const ResultHandle found(
      PQexec(connection.get(), "SELECT 1 FROM pg_catalog.pg_database WHERE datname = 'aquifer'"));
  if (PQresultStatus(found.get()) != PGRES_TUPLES_OK) return fail();
  if (PQntuples(found.get()) == 1) return absl::OkStatus();
  const ResultHandle made(PQexec(connection.get(), "CREATE DATABASE aquifer"));
  if (PQresultStatus(made.get()) != PGRES_COMMAND_OK) return fail();
  return absl::OkStatus();
}

}  // namespace aquifer
