// A database of a test's own behind a fault proxy of its own.
#pragma once

#include <string>

#include "server/database/postgres_cluster.h"
#include "tests/testing/fault_proxy.h"
#include "tests/testing/test_database.h"

namespace aquifer::testing {

// The proxy's way to this program's PostgreSQL.
inline std::string DatabaseSocket() {
  return TestPostgres().directory().socket_directory() + "/.s.PGSQL.5432";
}

// The URL of `database` through `proxy`.
inline std::string UrlThrough(const FaultProxy& proxy, const TestDatabase& database) {
  return proxy.UrlOf(database.name(), kClusterUser);
}

}  // namespace aquifer::testing
