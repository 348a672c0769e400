// Fixture of the tests that record collections: each helper is one call in one transaction.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "repositories/collection_repository.h"
#include "tests/testing/lines.h"
#include "tests/testing/repository_test.h"

namespace aquifer::testing {

class CollectionsTest : public RepositoryTest {
 protected:
  // Calls one method of the repository, say `Call(&CollectionRepository::GetCollection, request)`.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(
      absl::StatusOr<Response> (CollectionRepository::*method)(const Request&),
      const Request& request) {
    return InTransaction(
        [&](Session& session) { return (CollectionRepository(session).*method)(request); });
  }

  absl::StatusOr<v1::RecordCollectionResponse> Record(const v1::CollectionLine& line) {
    v1::RecordCollectionRequest request;
    *request.mutable_line() = line;
    return Call(&CollectionRepository::RecordCollection, request);
  }

  absl::StatusOr<v1::RecordCollectionsResponse> RecordAll(
      const std::vector<v1::CollectionLine>& lines) {
    v1::RecordCollectionsRequest request;
    for (const auto& line : lines) *request.add_lines() = line;
    return Call(&CollectionRepository::RecordCollections, request);
  }

  // The first column of the first row.
  std::string Value(const std::string& sql) { return database_.Execute(sql)[0][0].c_str(); }
};

// The outcomes of a batch as a text, such as "INSERTED UPDATED".
inline std::string OutcomesOf(const v1::RecordCollectionsResponse& response) {
  std::string text;
  for (const auto& result : response.results()) {
    if (!text.empty()) text += ' ';
    text += v1::RecordOutcome_Name(result.outcome()).substr(sizeof("RECORD_OUTCOME_") - 1);
  }
  return text;
}

}  // namespace aquifer::testing
