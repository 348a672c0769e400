// The directory the embedded PostgreSQL lives in. Its layout:
//   aquifer.data   the marker: says the directory is Aquifer's, in which format, and whose it is
//                  now; locked (flock) for as long as a server uses the directory
//   postgres/      PostgreSQL's own data directory
//   postgres.new/  the same while it is being made; removed if found
//   socket/        the Unix socket, unless its path would be too long or has a comma
//   log/           PostgreSQL's log, a file a weekday
//   startup.log    what PostgreSQL's programs said before that log was open
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <optional>
#include <string>

#include "server/database/account.h"

namespace aquifer {

// A data directory held by this process until destruction. Not thread-safe.
class DataDirectory {
 public:
  // Makes the directory if it is missing, checks that it is ours and that nobody else uses it, and
  // locks it. FAILED_PRECONDITION names the directory and says what is wrong with it;
  // ALREADY_EXISTS says which other Aquifer server uses it.
  static absl::StatusOr<DataDirectory> Open(const std::string& path, const Account& account);

  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;
  ~DataDirectory();

  // Tells the processes of the directory at an absolute path from others': "aquifer-" and a hash.
  static std::string ClusterNameOf(const std::string& path);
  // Where the socket of the directory at an absolute path goes: at most 107 bytes with the socket's
  // name, and only the account's.
  static std::string SocketDirectoryOf(const std::string& path);

  // PostgreSQL's own directory in the directory at `path`.
  static std::string PostgresOf(const std::string& path) { return path + "/postgres"; }

  // Absolute, without symbolic links.
  const std::string& path() const { return path_; }
  std::string postgres() const { return PostgresOf(path_); }
  std::string unfinished_postgres() const { return path_ + "/postgres.new"; }
  std::string log() const { return path_ + "/log"; }
  std::string startup_log() const { return path_ + "/startup.log"; }
  std::string cluster_name() const { return ClusterNameOf(path_); }
  std::string socket_directory() const { return SocketDirectoryOf(path_); }

  // The major version of the data; nullopt if PostgreSQL was never initialised here.
  absl::StatusOr<std::optional<int>> PostgresMajor() const;
  // Empties the startup log.
  absl::Status ResetStartupLog() const;
  // The last lines of the startup log and of the newest log, for an error message.
  std::string LastLogLines() const;

 private:
  DataDirectory(std::string path, int lock, Account account);
  absl::Status Prepare();

  std::string path_;
  int lock_;
  Account account_;
};

}  // namespace aquifer
