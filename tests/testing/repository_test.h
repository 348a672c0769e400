// The fixture of repository tests: a migrated database, and transactions on it without a pool.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <pqxx/pqxx>
#include <utility>
#include <vector>

#include "repositories/joined.h"
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

  // What one set of `requests` is answered in one transaction; none for a call that has to come
  // again.
  template <typename Repository, typename Request, typename Response>
  std::vector<std::optional<absl::StatusOr<Response>>> Join(
      void (Repository::*method)(JoinedCalls<Request, Response>),
      const std::vector<Request>& requests) {
    std::vector<Joined<Request, Response>> calls(requests.size());
    for (std::size_t i = 0; i < calls.size(); ++i) calls[i].request = &requests[i];
    EXPECT_TRUE(InTransaction([&](Session& session) {
                  Repository repository(session);
                  (repository.*method)(absl::MakeSpan(calls));
                  return absl::OkStatus();
                }).ok());
    std::vector<std::optional<absl::StatusOr<Response>>> answers;
    for (auto& call : calls) answers.push_back(std::move(call.answer));
    return answers;
  }

  TestDatabase database_;

 private:
  std::unique_ptr<pqxx::connection> connection_;
  std::unique_ptr<PreparedStatements> prepared_;
};

}  // namespace aquifer::testing
