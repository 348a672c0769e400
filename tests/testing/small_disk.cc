#include "tests/testing/small_disk.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace aquifer::testing {
namespace {

constexpr char kBallast[] = "/ballast";

[[noreturn]] void Die(const std::string& path) {
  std::perror(path.c_str());
  std::abort();
}

}  // namespace

SmallDisk::SmallDisk(std::string path, int megabytes) : path_(std::move(path)) {
  const std::string options = "mode=0755,size=" + std::to_string(megabytes) + "m";
  if (mount("aquifer-test", path_.c_str(), "tmpfs", 0, options.c_str()) != 0) {
    why_not_ = std::string("cannot mount a tmpfs: ") + std::strerror(errno);
  }
}

SmallDisk::~SmallDisk() {
  if (mounted()) umount2(path_.c_str(), MNT_DETACH);
}

void SmallDisk::FillUpTo(std::uint64_t bytes) const {
  const std::string ballast = path_ + kBallast;
  struct statvfs info;
  if (statvfs(path_.c_str(), &info) != 0) Die(path_);
  const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
  const int fd = open(ballast.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) Die(ballast);
  if (free > bytes && posix_fallocate(fd, 0, static_cast<off_t>(free - bytes)) != 0) Die(ballast);
  close(fd);
}

void SmallDisk::FreeAgain() const { unlink((path_ + kBallast).c_str()); }

}  // namespace aquifer::testing
