#include "tests/testing/temporary_directory.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace aquifer::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "aquifer-test-";

std::string Root() {
  const char* root = std::getenv("TMPDIR");
  return root == nullptr || *root == '\0' ? "/tmp" : root;
}

[[noreturn]] void Die(const std::string& path) {
  std::perror(path.c_str());
  std::abort();
}

// "aquifer-test-1234-abcdef" gives 1234; 0 for any other name.
pid_t OwnerIn(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kPrefix)) return 0;
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '-');
  pid_t owner = 0;
  return parts.size() == 2 && absl::SimpleAtoi(parts[0], &owner) && owner > 0 ? owner : 0;
}

// Two questions, because each alone can be wrong: a container beside us has other process ids and
// the same /tmp, and a program that was just started has not locked its directory yet.
void RemoveIfStale(const std::string& path, pid_t owner) {
  if (kill(owner, 0) == 0 || errno != ESRCH) return;
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  struct stat info;
  const bool ours = fstat(fd, &info) == 0 && info.st_uid == geteuid();
  std::error_code ignored;
  if (ours && flock(fd, LOCK_EX | LOCK_NB) == 0) fs::remove_all(path, ignored);
  close(fd);
}

void RemoveStale(const std::string& root) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(root, error)) {
    const pid_t owner = OwnerIn(entry.path().filename().string());
    if (owner > 0) RemoveIfStale(entry.path(), owner);
  }
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  static const bool removed = (RemoveStale(Root()), true);
  (void)removed;
  path_ = absl::StrCat(Root(), "/", kPrefix, getpid(), "-XXXXXX");
  if (mkdtemp(path_.data()) == nullptr) Die(path_);
  lock_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0 || flock(lock_, LOCK_EX) != 0) Die(path_);
  // mkdtemp closes it to others, and PostgreSQL is another when we are root.
  fs::permissions(path_, fs::perms(0711));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  close(lock_);
}

}  // namespace aquifer::testing
