// Deleting the lines of a filter, with the audit trail.
#include <absl/strings/str_cat.h>

#include <cstdint>
#include <vector>

#include "repositories/array.h"
#include "repositories/collection_filter.h"
#include "repositories/collection_repository.h"
#include "repositories/collection_rollup_sql.h"
#include "repositories/errors.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

constexpr std::int64_t kMostLines = 10000;

#define AQUIFER_COUNT_LINES                                                                   \
  "SELECT count(*), COALESCE((sum(c.total) * 100)::bigint, 0) FROM aquifer.collections AS c " \
  "WHERE "

constexpr Statement kCountByTime = {"collections.delete_count_by_time",
                                    AQUIFER_COUNT_LINES AQUIFER_FILTER_BY_TIME};
constexpr Statement kCountByDevice = {"collections.delete_count_by_device",
                                      AQUIFER_COUNT_LINES AQUIFER_FILTER_BY_DEVICE};

// Locks at most $10 lines, so that those counted are those deleted whatever else runs. In the
// index's order, which costs nothing and keeps two deletions from locking each other out.
#define AQUIFER_LOCK_LINES \
  "SELECT c.id, (c.total * 100)::bigint FROM aquifer.collections AS c WHERE "

constexpr Statement kLockByTime = {"collections.delete_lock_by_time",
                                   AQUIFER_LOCK_LINES AQUIFER_FILTER_BY_TIME R"sql(
ORDER BY c.collected_at, c.id
LIMIT $10::bigint
FOR UPDATE OF c
)sql"};
constexpr Statement kLockByDevice = {"collections.delete_lock_by_device",
                                     AQUIFER_LOCK_LINES AQUIFER_FILTER_BY_DEVICE R"sql(
ORDER BY c.device_id, c.collected_at
LIMIT $10::bigint
FOR UPDATE OF c
)sql"};

// A collector alone is refused, so its index is never the best.
constexpr FilteredStatement kCount = {kCountByTime, kCountByDevice, kCountByTime, kCountByTime};
constexpr FilteredStatement kLock = {kLockByTime, kLockByDevice, kLockByTime, kLockByTime};

constexpr Statement kDelete = {"collections.delete", R"sql(
WITH gone AS (
  DELETE FROM aquifer.collections AS c
  WHERE c.id = ANY($1::bigint[])
  RETURNING c.id, c.collected_at, to_jsonb(c) AS before
), )sql" AQUIFER_MARKS("gone") R"sql(
INSERT INTO aquifer.collection_audit (collection_id, action, reason, actor, before)
SELECT g.id, 'delete', $2::text, $3::text, g.before
FROM gone AS g
)sql"};

// What the proto's rules cannot say.
std::vector<FieldViolation> CheckRequest(const v1::DeleteCollectionsRequest& request) {
  std::vector<FieldViolation> violations;
  const v1::CollectionFilter& filter = request.filter();
  if (filter.when_case() == v1::CollectionFilter::WHEN_NOT_SET && filter.device_ids().empty()) {
    violations.push_back({"filter", "must name days, instants or devices"});
  }
  if (request.mode_case() == v1::DeleteCollectionsRequest::kDryRun && !request.dry_run()) {
    violations.push_back({"dry_run", "must be true where it is chosen"});
  }
  return violations;
}

absl::Status TooManyLines() {
  return MakeError(Reason::kTooManyLines,
                   absl::StrCat("the filter selects more than ", kMostLines, " lines"),
                   {{"limit", absl::StrCat(kMostLines)}});
}

absl::Status CountMismatch(std::int64_t expected, std::int64_t matched) {
  return MakeError(
      Reason::kCountMismatch,
      absl::StrCat("the filter selects ", matched, " lines, not the expected ", expected),
      {{"expected", absl::StrCat(expected)}, {"matched", absl::StrCat(matched)}});
}

}  // namespace

absl::StatusOr<v1::DeleteCollectionsResponse> CollectionRepository::DeleteCollections(
    const v1::DeleteCollectionsRequest& request) {
  const auto violations = CheckRequest(request);
  if (!violations.empty()) return InvalidFields(violations);
  const AccessPath path = AccessPathOf(request.filter());
  const FilterParameters filter(request.filter());
  v1::DeleteCollectionsResponse response;

  if (request.mode_case() == v1::DeleteCollectionsRequest::kDryRun) {
    const pqxx::result counted = RunFiltered(session_, kCount.On(path), filter);
    response.set_matched(Row(counted[0]).Int(0));
    response.set_total_minor(Row(counted[0]).Int(1));
    return response;
  }

  const pqxx::result locked = RunFiltered(session_, kLock.On(path), filter, kMostLines + 1);
  const auto matched = static_cast<std::int64_t>(locked.size());
  if (matched > kMostLines) return TooManyLines();
  if (matched != request.expected_count()) return CountMismatch(request.expected_count(), matched);

  ArrayParameter ids;
  std::int64_t total_minor = 0;
  for (const auto& line : locked) {
    ids.Add(Row(line).Int(0));
    total_minor += Row(line).Int(1);
  }
  const pqxx::result deleted = session_.Run(kDelete, ids.Text(), request.reason(), request.actor());
  response.set_matched(matched);
  response.set_deleted(static_cast<std::int64_t>(deleted.affected_rows()));
  response.set_total_minor(total_minor);
  return response;
}

StatementList CollectionDeleteStatements() {
  static constexpr const Statement* kAll[] = {&kCountByTime, &kCountByDevice, &kLockByTime,
                                              &kLockByDevice, &kDelete};
  return kAll;
}

}  // namespace aquifer
