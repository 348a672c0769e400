// The operating-system account PostgreSQL runs as.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace aquifer {

struct Account {
  uid_t uid;
  gid_t gid;
  // Supplementary groups, read before a fork because reading them allocates.
  std::vector<gid_t> groups;
  std::string name;
};

// PostgreSQL refuses to run as root, so root means Debian's `postgres` user; anybody else means
// themselves. FAILED_PRECONDITION if there is no such user.
absl::StatusOr<Account> PostgresAccount();

// OK if `account` can enter `directory` and every directory above it; else FAILED_PRECONDITION
// naming the one it cannot. The question is put to the kernel as that account, so that ACLs count.
absl::Status CheckReachable(const Account& account, const std::string& directory);

}  // namespace aquifer
