// A private PostgreSQL as a child process: the database of a server that was given no URL, and of
// every test.
//
// Who may connect: the socket is in a directory only PostgreSQL's account can enter (and root), no
// TCP port is open, and the socket's own mode is 0700; within that, authentication is `trust`. A
// password would have to lie in a file with the same protection, and `peer` would refuse the server
// itself when it runs as root and PostgreSQL as `postgres`. The URL asks libpq to check in turn
// (requirepeer) that the account listens there.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <thread>

#include "server/database/account.h"
#include "server/database/data_directory.h"
#include "server/database/postgres_programs.h"
#include "server/telemetry/log.h"

namespace aquifer {

enum class Durability {
  kSafe,
  // Loses data when the machine stops: for tests.
  kNone,
};

struct LocalPostgresOptions {
  std::string data_dir;
  // Where postgres and initdb are; empty searches where Debian puts them.
  std::string bindir;
  // Connections of the pool, of health, locks and administration, together.
  int max_connections = 40;
  Durability durability = Durability::kSafe;
  // How long a start may take, initdb and crash recovery included.
  absl::Duration start_timeout = absl::Seconds(60);
  // How long a fast shutdown may take before an immediate one.
  absl::Duration stop_timeout = absl::Seconds(30);
};

// Thread-safe. A supervising thread starts PostgreSQL, and starts it again when it dies: at once
// the first time, then with pauses that grow while it does not last. PostgreSQL stops when this
// process dies, however it dies.
class LocalPostgres {
 public:
  // Initialises the data directory if need be and starts. Returns once connections are accepted
  // and the database of url() exists. FAILED_PRECONDITION or NOT_FOUND: the directory, the account
  // or the programs are not usable, and the message says what to do; DEADLINE_EXCEEDED,
  // UNAVAILABLE: PostgreSQL did not come up, and the message ends with its last log lines;
  // RESOURCE_EXHAUSTED: the same, and the disk is full. `log` must outlive the result.
  static absl::StatusOr<std::unique_ptr<LocalPostgres>> Start(const LocalPostgresOptions& options,
                                                              Log& log);

  // The URL of the PostgreSQL that another process of this machine runs in `data_dir`; for commands
  // beside a running server. NOT_FOUND if there is no such directory.
  static absl::StatusOr<std::string> UrlOfRunning(const std::string& data_dir);

  // Whether Start would find a database in `data_dir` and not make one. True also if that cannot be
  // told: Start then says why.
  static bool Exists(const std::string& data_dir);

  // Stops PostgreSQL.
  ~LocalPostgres();
  LocalPostgres(const LocalPostgres&) = delete;
  LocalPostgres& operator=(const LocalPostgres&) = delete;

  // A libpq URL over the socket; the same after every restart.
  std::string url() const { return UrlOf("aquifer"); }
  // The same for another database.
  std::string UrlOf(const std::string& database) const;
  int major() const { return programs_.major; }
  const DataDirectory& directory() const { return directory_; }
  // The postmaster's process id; 0 while none runs.
  pid_t pid() const ABSL_LOCKS_EXCLUDED(mutex_);
  // How often PostgreSQL was started again after it died.
  int restarts() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Fast shutdown: running statements are cancelled, everything is on disk. Immediate (and crash
  // recovery at the next start) if that takes longer than stop_timeout. May be called again.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class State { kStarting, kRunning, kStopping };

  LocalPostgres(LocalPostgresOptions options, Account account, DataDirectory directory,
                PostgresPrograms programs, Log& log);

  // The supervising thread.
  void Supervise() ABSL_LOCKS_EXCLUDED(mutex_);
  // Starts once and waits until connections are accepted.
  absl::Status StartOnce() ABSL_LOCKS_EXCLUDED(mutex_);
  // The same, leaving what an initdb that failed had written, and without a word on the disk.
  absl::Status TryStart() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status AwaitReady(pid_t pid, absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);
  // Reaps a postmaster that ended or is about to; returns its exit code.
  int Forget(pid_t pid) ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits before start number `failures` in a row; false if stopping.
  bool Pause(int failures) ABSL_LOCKS_EXCLUDED(mutex_);
  bool Stopping() const ABSL_LOCKS_EXCLUDED(mutex_);
  void Signal(int signal) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status EnsureDatabase() const;

  const LocalPostgresOptions options_;
  const Account account_;
  const DataDirectory directory_;
  const PostgresPrograms programs_;
  Log& log_;

  mutable absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kStarting;
  // What became of the first start, once the supervisor knows.
  absl::Status first_start_ ABSL_GUARDED_BY(mutex_);
  bool first_start_done_ ABSL_GUARDED_BY(mutex_) = false;
  pid_t pid_ ABSL_GUARDED_BY(mutex_) = 0;
  int restarts_ ABSL_GUARDED_BY(mutex_) = 0;

  std::thread supervisor_;
};

}  // namespace aquifer
