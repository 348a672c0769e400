#include "repositories/worker_access.h"

#include "repositories/errors.h"
#include "repositories/statements.h"
#include "repositories/worker_row.h"

namespace aquifer {
namespace {

constexpr Statement kRead = {"workers.get_by_id", "SELECT " AQUIFER_WORKER_COLUMNS R"sql(
FROM aquifer.workers AS w
)sql" AQUIFER_WORKER_SHIFT R"sql(
WHERE w.id = $1::bigint
)sql"};

// Apart from reading: a statement that waits for a lock sees the locked row as it is now, but what
// it joins as it was before.
constexpr Statement kLock = {"workers.lock", R"sql(
SELECT FROM aquifer.workers AS w
WHERE w.id = $1::bigint
FOR NO KEY UPDATE
)sql"};

}  // namespace

absl::StatusOr<v1::Worker> LockWorker(Session& session, std::int64_t id, DeletedWorker deleted) {
  session.Run(kLock, id);
  absl::StatusOr<v1::Worker> worker = ReadWorker(session, id);
  if (worker.ok() && worker->has_deleted_at() && deleted == DeletedWorker::kRefused) {
    return WorkerDeleted(id);
  }
  return worker;
}

absl::StatusOr<v1::Worker> ReadWorker(Session& session, std::int64_t id) {
  const pqxx::result rows = session.Run(kRead, id);
  if (rows.empty()) return WorkerNotFound(id);
  v1::Worker worker;
  WorkerFrom(Row(rows[0]), worker);
  return worker;
}

StatementList WorkerAccessStatements() {
  static constexpr const Statement* kAll[] = {&kRead, &kLock};
  return kAll;
}

}  // namespace aquifer
