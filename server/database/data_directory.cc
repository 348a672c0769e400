#include "server/database/data_directory.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "server/database/whole_file.h"

namespace aquifer {
namespace {

namespace fs = std::filesystem;

constexpr char kMarker[] = "aquifer.data";
constexpr char kMarkerTitle[] = "Aquifer data directory, format ";
constexpr int kFormat = 1;
constexpr std::size_t kLongestSocketPath = 107;
constexpr char kSocketName[] = "/.s.PGSQL.5432";
constexpr absl::Duration kLockGrace = absl::Milliseconds(250);
constexpr std::size_t kLogLinesShown = 8;

absl::Status Refuse(const std::string& path, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("data directory ", path, " ", why));
}

absl::Status SystemError(absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", path));
}

// FNV-1a: a name that stays the same from start to start.
std::string HashOf(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
  return absl::StrFormat("%016x", hash);
}

// A directory only `account` can enter. Refuses a symbolic link or another's directory: /tmp is
// everybody's.
absl::Status EnsurePrivateDirectory(const std::string& path, const Account& account) {
  if (mkdir(path.c_str(), 0700) == 0) {
    if (geteuid() == 0 && lchown(path.c_str(), account.uid, account.gid) != 0) {
      return SystemError("cannot give away", path);
    }
    return absl::OkStatus();
  }
  struct stat info;
  if (errno != EEXIST || lstat(path.c_str(), &info) != 0) return SystemError("cannot make", path);
  if (!S_ISDIR(info.st_mode) || info.st_uid != account.uid || (info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not a directory that only user ", account.name, " can enter"));
  }
  return absl::OkStatus();
}

// Opens the marker, which doubles as the lock. Makes it only in an empty directory.
absl::StatusOr<int> OpenMarker(const std::string& path) {
  const std::string marker = absl::StrCat(path, "/", kMarker);
  int fd = open(marker.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0) return fd;
  if (errno != ENOENT) return SystemError("cannot open", marker);
  std::error_code error;
  const bool empty = fs::is_empty(path, error);
  if (error) return Refuse(path, absl::StrCat("cannot be read: ", error.message()));
  if (!empty) {
    return Refuse(path, absl::StrCat("is not empty and not Aquifer's (it has no ", kMarker,
                                     "): choose another --data-dir"));
  }
  fd = open(marker.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return SystemError("cannot make", marker);
  return fd;
}

// Locks the marker, checks its format and writes who holds it. An empty marker is one whose maker
// was killed before its first word.
absl::Status ClaimMarker(int fd, const std::string& path) {
  char buffer[256] = {};
  bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
  // A holder that was killed a moment ago may still be on its way out.
  const absl::Time deadline = absl::Now() + kLockGrace;
  while (!locked && errno == EWOULDBLOCK && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(20));
    locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
  }
  const int lock_error = errno;
  if (pread(fd, buffer, sizeof(buffer) - 1, 0) < 0) return SystemError("cannot read", path);
  const std::vector<std::string> lines = absl::StrSplit(buffer, '\n');
  if (!locked) {
    if (lock_error != EWOULDBLOCK) return SystemError("cannot lock", path);
    const std::string holder = lines.size() > 1 ? absl::StrCat(" (", lines[1], ")") : "";
    return absl::AlreadyExistsError(
        absl::StrCat("data directory ", path, " is in use by another Aquifer server", holder));
  }
  absl::string_view title = lines[0];
  int format = 0;
  if (!title.empty() &&
      (!absl::ConsumePrefix(&title, kMarkerTitle) || !absl::SimpleAtoi(title, &format))) {
    return Refuse(path, absl::StrCat("has a ", kMarker, " that Aquifer did not write"));
  }
  if (format > kFormat) {
    return Refuse(
        path, absl::StrCat("has format ", format, " of a newer Aquifer; this one knows ", kFormat));
  }
  const std::string text = absl::StrCat(kMarkerTitle, kFormat, "\nprocess ", getpid(), "\n");
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text.data(), text.size(), 0) < 0 || fsync(fd) != 0) {
    return SystemError("cannot write the marker in", path);
  }
  return absl::OkStatus();
}

absl::Status CheckOwner(const std::string& path, const Account& account) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return SystemError("cannot look at", path);
  if (!S_ISDIR(info.st_mode)) return Refuse(path, "is not a directory");
  if (info.st_uid == account.uid) return absl::OkStatus();
  // Root's own is taken over, if it turns out to be empty or Aquifer's.
  if (geteuid() == 0 && info.st_uid == 0) return absl::OkStatus();
  return Refuse(path, absl::StrCat("belongs to user id ", info.st_uid, ", not to ", account.name,
                                   ", whom PostgreSQL runs as: choose another --data-dir"));
}

std::string LastLines(const std::string& file) {
  std::vector<std::string> lines = absl::StrSplit(ReadWhole(file), '\n', absl::SkipWhitespace());
  if (lines.size() > kLogLinesShown) lines.erase(lines.begin(), lines.end() - kLogLinesShown);
  return absl::StrJoin(lines, "\n");
}

}  // namespace

absl::StatusOr<DataDirectory> DataDirectory::Open(const std::string& path, const Account& account) {
  if (path.empty()) return absl::FailedPreconditionError("data directory has no name");
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return Refuse(path, absl::StrCat("cannot be made: ", error.message()));
  const std::string real = fs::canonical(path, error);
  if (error) return Refuse(path, absl::StrCat("cannot be found: ", error.message()));
  if (absl::Status status = CheckOwner(real, account); !status.ok()) return status;

  absl::StatusOr<int> marker = OpenMarker(real);
  if (!marker.ok()) return marker.status();
  DataDirectory directory(real, *marker, account);
  if (absl::Status status = ClaimMarker(*marker, real); !status.ok()) return status;
  if (absl::Status status = directory.Prepare(); !status.ok()) return status;
  return directory;
}

DataDirectory::DataDirectory(std::string path, int lock, Account account)
    : path_(std::move(path)), lock_(lock), account_(std::move(account)) {}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      account_(std::move(other.account_)) {}

std::string DataDirectory::ClusterNameOf(const std::string& path) {
  return "aquifer-" + HashOf(path);
}

std::string DataDirectory::SocketDirectoryOf(const std::string& path) {
  const std::string inside = path + "/socket";
  // libpq takes a comma in a host for the end of it.
  const bool usable = inside.size() + sizeof(kSocketName) - 1 <= kLongestSocketPath &&
                      inside.find(',') == std::string::npos;
  return usable ? inside : "/tmp/" + ClusterNameOf(path);
}

DataDirectory::~DataDirectory() {
  if (lock_ < 0) return;
  // Nothing of ours stays outside the directory.
  if (socket_directory() != path_ + "/socket") rmdir(socket_directory().c_str());
  close(lock_);
}

absl::Status DataDirectory::Prepare() {
  if (geteuid() == 0 && chown(path_.c_str(), account_.uid, account_.gid) != 0) {
    return SystemError("cannot give away", path_);
  }
  if (chmod(path_.c_str(), 0700) != 0) return SystemError("cannot close to others", path_);
  if (absl::Status status = CheckReachable(account_, path_); !status.ok()) return status;
  for (const std::string& directory : {log(), socket_directory()}) {
    if (absl::Status status = EnsurePrivateDirectory(directory, account_); !status.ok()) {
      return status;
    }
  }
  return ResetStartupLog();
}

absl::StatusOr<std::optional<int>> DataDirectory::PostgresMajor() const {
  std::error_code error;
  if (!fs::exists(postgres(), error)) return std::optional<int>();
  int major = 0;
  const std::string version = ReadWhole(postgres() + "/PG_VERSION");
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(version), &major)) {
    return Refuse(path_, "is damaged: postgres/PG_VERSION is missing or unreadable");
  }
  return std::optional<int>(major);
}

absl::Status DataDirectory::ResetStartupLog() const {
  const std::string file = startup_log();
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return SystemError("cannot make", file);
  const bool given = geteuid() != 0 || fchown(fd, account_.uid, account_.gid) == 0;
  close(fd);
  return given ? absl::OkStatus() : SystemError("cannot give away", file);
}

std::string DataDirectory::LastLogLines() const {
  std::error_code error;
  fs::path newest;
  fs::file_time_type newest_time = fs::file_time_type::min();
  for (const fs::directory_entry& entry : fs::directory_iterator(log(), error)) {
    const auto time = entry.last_write_time(error);
    if (!error && time > newest_time) {
      newest = entry.path();
      newest_time = time;
    }
  }
  std::string lines = LastLines(startup_log());
  if (!newest.empty()) absl::StrAppend(&lines, lines.empty() ? "" : "\n", LastLines(newest));
  return lines;
}

}  // namespace aquifer
