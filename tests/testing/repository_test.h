// The fixture of repository tests: a migrated database, and transactions on it without a pool.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <pqxx/pqxx>

#include "repositories/session.h"
#include "tests/testing/test_database.h"

namespace aquifer::testing {

class RepositoryTest : public ::testing::Test {
 protected:
  // Runs f(session) in a read-write transaction, commits if it answers OK, and returns its answer.
  // `f` answers an absl::Status or StatusOr. pqxx exceptions fly and fail the test.
  template <typename F>
  auto InTransaction(F f) {
    if (!connection_) {
      connection_ = std::make_unique<pqxx::connection>(database_.url());
      prepared_ = std::make_unique<PreparedStatements>(*connection_);
    }
    pqxx::work transaction(*connection_);
    Session session(transaction, *prepared_);
    auto answer = f(session);
    if (answer.ok()) transaction.commit();
    return answer;
  }

  TestDatabase database_;

 private:
  std::unique_ptr<pqxx::connection> connection_;
  std::unique_ptr<PreparedStatements> prepared_;
};

}  // namespace aquifer::testing
