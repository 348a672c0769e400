// A connection pool on a database of its own, for tests of what runs on pooled connections.
#pragma once

#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "server/database/connection_pool.h"
#include "server/database/transaction_runner.h"
#include "tests/testing/eventually.h"
#include "tests/testing/test_database.h"

namespace aquifer::testing {

class PoolFixture : public ::testing::Test {
 protected:
  // `max` connections at most, none kept open, so that a test sees only those it made.
  ConnectionPoolOptions PoolOf(int max) {
    ConnectionPoolOptions options;
    options.database.url = database_.url();
    options.instance = "test";
    options.pool.min = 0;
    options.pool.max = max;
    return options;
  }

  // Ends every session of the pool, as an administrator or a restart would.
  void TerminateBackends() {
    const pqxx::result ended = database_.Execute(
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'aquifer/test'");
    // A session is out of sight before its process has closed the link.
    for (const auto& session : ended) {
      EXPECT_TRUE(Eventually([pid = session[0].as<pid_t>()] { return kill(pid, 0) != 0; }));
    }
  }

  // How many sessions of the pool the database sees.
  int Sessions() {
    return database_
        .Execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'aquifer/test'")[0][0]
        .as<int>();
  }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

  TestDatabase database_;
  Log log_{LogLevel::kOff};
};

}  // namespace aquifer::testing
