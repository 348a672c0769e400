// The file of a Unix socket to listen on, which is one server's alone and goes with it.
#pragma once

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <memory>
#include <string>

namespace aquifer {

// Holds PATH.lock locked while it lives: two servers that start at once do not take each other for
// dead, and one that still stops does not remove its successor's file.
class SocketFile {
 public:
  // Makes the path free to bind: what a dead server left there is removed. FAILED_PRECONDITION, and
  // nothing removed, if somebody answers there, if it is no socket, or if another server holds the
  // path or the directory cannot be written to.
  static absl::StatusOr<std::unique_ptr<SocketFile>> Claim(const std::string& path);

  // Removes the socket and the lock.
  ~SocketFile();
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  // As gRPC writes it: "unix:/run/aquifer/socket".
  std::string address() const { return "unix:" + path_; }

 private:
  SocketFile(std::string path, int lock);

  const std::string path_;
  // PATH.lock, open.
  const int lock_;
};

// While it lives, the process's new files get `mode`. For bind, which makes the socket's file: a
// chmod after it would come too late for whoever connects at once.
class ModeOfNewFiles {
 public:
  explicit ModeOfNewFiles(mode_t mode);
  ~ModeOfNewFiles();
  ModeOfNewFiles(const ModeOfNewFiles&) = delete;
  ModeOfNewFiles& operator=(const ModeOfNewFiles&) = delete;

 private:
  const mode_t umask_before_;
};

}  // namespace aquifer
