// A PostgreSQL of a test's own, to stop, kill, promote and lock out of: over a Unix socket, with
// settings as a test wants them, and as a streaming replica of another.
#pragma once

#include <absl/time/time.h>
#include <sys/types.h>

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "server/database/account.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {

// The role a test's server connects as, no superuser, and its password at the start.
inline constexpr char kOwnRole[] = "app";
inline constexpr char kOwnPassword[] = "first";

// Used by one thread, which must outlive it. Aborts the program where PostgreSQL cannot be run.
class OwnPostgres {
 public:
  // Makes a cluster with a database `aquifer` that kOwnRole owns, and starts it. `settings` are
  // name=value, for the command line.
  explicit OwnPostgres(std::vector<std::string> settings = {});
  // Makes a streaming replica of `primary`, which runs, and starts it.
  explicit OwnPostgres(const OwnPostgres& primary);
  // Kills it, if it runs.
  ~OwnPostgres();

  // Starts it again where it was stopped or killed, and waits until it takes connections.
  void Start();
  // Ends its sessions and stops it.
  void Stop();
  // Kills all of it and waits until it is gone.
  void Kill();
  // Stops all of its processes where they are, and lets them go on.
  void Freeze();
  void Thaw();
  // Makes a replica a primary.
  void Promote();

  // Where its socket is: what a URL has as host.
  const std::string& host() const { return sockets_; }
  std::string socket() const { return sockets_ + "/.s.PGSQL.5432"; }
  // A URL for kOwnRole, whose password is asked for.
  std::string Url(const std::string& password = kOwnPassword) const {
    return UrlOf(host(), password);
  }
  // The same over several hosts.
  static std::string UrlOf(const std::string& hosts, const std::string& password = kOwnPassword);

  // Runs SQL as the superuser, on a connection of its own. Lets pqxx exceptions fly.
  pqxx::result Execute(const std::string& sql) const;

 private:
  std::string Program(const std::string& name) const { return bindir_ + "/" + name; }
  void RunProgram(std::vector<std::string> argv) const;
  std::string AdminUrl(const std::string& database) const;
  bool Answers() const;
  void SignalAll(int signal) const;

  const TemporaryDirectory directory_;
  const std::string sockets_;
  const std::string data_;
  const std::string log_;
  std::vector<std::string> settings_;
  Account account_;
  std::string bindir_;
  pid_t pid_ = 0;
};

}  // namespace aquifer::testing
