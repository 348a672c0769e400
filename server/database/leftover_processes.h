// What a killed server or a killed postmaster left running in a data directory.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "server/database/account.h"
#include "server/database/data_directory.h"

namespace aquifer {

// Ends every PostgreSQL process of `directory`, which this process holds the lock of, and removes
// locks that a dead or unrelated process id would make PostgreSQL obey. Returns once nothing is
// left. A postmaster is given a fast shutdown first, children without one are ended at once.
//
// Processes are recognised by their account and command line: a postmaster by its `-D`, a backend
// by the cluster name in its title. Both are readable without privileges.
absl::Status ClearLeftovers(const DataDirectory& directory, const Account& account,
                            absl::Time deadline);

}  // namespace aquifer
