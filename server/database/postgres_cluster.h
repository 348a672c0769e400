// PostgreSQL's own data directory: making it, and the settings it runs with.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <string>
#include <vector>

#include "server/database/account.h"
#include "server/database/data_directory.h"
#include "server/database/local_postgres.h"
#include "server/database/postgres_programs.h"

namespace aquifer {

// The superuser of the cluster, whom the server connects as: the cluster is the server's own. Not
// named like the schema, which would then be in its search_path, and SQL that forgets to qualify a
// table would work here and nowhere else.
inline constexpr char kClusterUser[] = "aquifer_server";

// Runs initdb into a sibling and renames it, so that a cluster is there whole or not at all. The
// calling thread must live until it returns.
absl::Status InitializeCluster(const DataDirectory& directory, const PostgresPrograms& programs,
                               const Account& account, Durability durability, absl::Time deadline);

// The command line of the postmaster. Settings stand there and not in postgresql.conf, so that a
// newer Aquifer brings its own, and nothing left in the directory overrides them.
std::vector<std::string> PostmasterCommand(const DataDirectory& directory,
                                           const PostgresPrograms& programs,
                                           const LocalPostgresOptions& options);

}  // namespace aquifer
