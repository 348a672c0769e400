#include "server/database/account.h"

#include <absl/strings/str_cat.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "server/database/child_process.h"

namespace aquifer {
namespace {

constexpr char kDebianUser[] = "postgres";

std::vector<gid_t> GroupsOf(const std::string& name, gid_t gid) {
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  if (getgrouplist(name.c_str(), gid, groups.data(), &count) < 0) {
    groups.resize(count);
    getgrouplist(name.c_str(), gid, groups.data(), &count);
  }
  groups.resize(count);
  return groups;
}

// "/a/b" gives {"/", "/a", "/a/b"}.
std::vector<std::string> AndItsParents(const std::string& directory) {
  std::vector<std::string> all = {"/"};
  for (std::size_t i = 1; i <= directory.size(); ++i) {
    if (i == directory.size() || directory[i] == '/') all.push_back(directory.substr(0, i));
  }
  return all;
}

}  // namespace

absl::StatusOr<Account> PostgresAccount() {
  std::vector<char> buffer(16384);
  passwd entry;
  passwd* found = nullptr;
  const bool root = geteuid() == 0;
  if (root) {
    getpwnam_r(kDebianUser, &entry, buffer.data(), buffer.size(), &found);
  } else {
    getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found);
  }
  if (found == nullptr) {
    return absl::FailedPreconditionError(
        root ? "PostgreSQL cannot run as root and there is no user `postgres`: "
               "apt-get install --yes postgresql"
             : absl::StrCat("the user database has no entry for user id ", geteuid(),
                            ", which PostgreSQL needs to run"));
  }
  Account account{entry.pw_uid, entry.pw_gid, {}, entry.pw_name};
  account.groups = GroupsOf(account.name, account.gid);
  return account;
}

absl::Status CheckReachable(const Account& account, const std::string& directory) {
  const std::vector<std::string> directories = AndItsParents(directory);
  const pid_t child = fork();
  if (child < 0) return absl::ErrnoToStatus(errno, "cannot fork");
  if (child == 0) {
    if (!BecomeInChild(account)) _exit(255);
    for (std::size_t i = 0; i < directories.size() && i < 250; ++i) {
      if (access(directories[i].c_str(), X_OK) != 0) _exit(static_cast<int>(i) + 1);
    }
    _exit(0);
  }
  int wait_status = 0;
  while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) == 255) {
    return absl::FailedPreconditionError(absl::StrCat("cannot act as user ", account.name));
  }
  const std::size_t failed = WEXITSTATUS(wait_status);
  if (failed == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("user ", account.name, ", whom PostgreSQL runs as, cannot enter ",
                   directories[failed - 1], " on the way to ", directory,
                   ": choose another --data-dir, or run chmod o+x ", directories[failed - 1]));
}

}  // namespace aquifer
