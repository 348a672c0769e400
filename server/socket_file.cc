#include "server/socket_file.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace aquifer {
namespace {

constexpr mode_t kEveryPermission = 0777;

std::string LockOf(const std::string& path) { return path + ".lock"; }

absl::Status Refused(const std::string& path, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("socket ", path, ": ", why));
}

bool AreSame(int file, const std::string& path) {
  struct stat opened = {};
  struct stat there = {};
  return fstat(file, &opened) == 0 && lstat(path.c_str(), &there) == 0 &&
         opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

absl::StatusOr<int> Lock(const std::string& path) {
  const std::string lock = LockOf(path);
  for (;;) {
    const int file = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
      return Refused(path, absl::StrCat("its directory must exist and let the server make ", lock,
                                        ": ", std::strerror(errno)));
    }
    const int error = flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    // Whoever held it may have removed it since it was opened here; then it locks nothing.
    if (error == 0 && AreSame(file, lock)) return file;
    close(file);
    if (error == EWOULDBLOCK) return Refused(path, "another server is listening there");
    if (error != 0) return Refused(path, absl::StrCat(lock, ": ", std::strerror(error)));
  }
}

// 0 if somebody answers, else why not.
int Connect(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  path.copy(address.sun_path, path.size());
  const int caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (caller < 0) return errno;
  const bool connected =
      connect(caller, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = connected ? 0 : errno;
  close(caller);
  // As many wait to be let in as may: somebody listens.
  return error == EAGAIN ? 0 : error;
}

absl::Status RemoveIfDead(const std::string& path) {
  struct stat there = {};
  if (lstat(path.c_str(), &there) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Refused(path, std::strerror(errno));
  }
  if (!S_ISSOCK(there.st_mode)) return Refused(path, "what is there is no socket");
  const int error = Connect(path);
  if (error == 0) return Refused(path, "another program answers there");
  if (error != ECONNREFUSED) {
    return Refused(path, absl::StrCat("who listens there cannot be told: ", std::strerror(error)));
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Refused(path, absl::StrCat("an old one cannot be removed: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SocketFile>> SocketFile::Claim(const std::string& path) {
  const auto lock = Lock(path);
  if (!lock.ok()) return lock.status();
  if (absl::Status status = RemoveIfDead(path); !status.ok()) {
    unlink(LockOf(path).c_str());
    close(*lock);
    return status;
  }
  return std::unique_ptr<SocketFile>(new SocketFile(path, *lock));
}

SocketFile::SocketFile(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

SocketFile::~SocketFile() {
  // gRPC removes the socket as well, when it stops to listen.
  unlink(path_.c_str());
  unlink(LockOf(path_).c_str());
  close(lock_);
}

ModeOfNewFiles::ModeOfNewFiles(mode_t mode) : umask_before_(umask(kEveryPermission & ~mode)) {}

ModeOfNewFiles::~ModeOfNewFiles() { umask(umask_before_); }

}  // namespace aquifer
