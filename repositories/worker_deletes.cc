// Deleting a worker, softly or for good.
#include <absl/strings/str_cat.h>

#include <cstdint>

#include "repositories/errors.h"
#include "repositories/row.h"
#include "repositories/statements.h"
#include "repositories/worker_access.h"
#include "repositories/worker_repository.h"

namespace aquifer {
namespace {

constexpr Statement kMarkDeleted = {"workers.mark_deleted", R"sql(
UPDATE aquifer.workers AS w
SET deleted_at = now(),
    version = w.version + 1,
    updated_at = now()
WHERE w.id = $1::bigint
)sql"};

constexpr Statement kHistory = {"workers.count_history", R"sql(
SELECT
  (SELECT count(*) FROM aquifer.shifts AS s WHERE s.worker_id = $1::bigint),
  (SELECT count(*) FROM aquifer.collector_aliases AS a WHERE a.worker_id = $1::bigint)
)sql"};

constexpr Statement kRemove = {"workers.remove", R"sql(
DELETE FROM aquifer.workers AS w
WHERE w.id = $1::bigint
)sql"};

// OK if nothing tells of the worker. What is made to refer to it from here on is stopped by the
// foreign keys.
absl::Status CheckNoHistory(Session& session, std::int64_t id) {
  const pqxx::result counted = session.Run(kHistory, id);
  const std::int64_t shifts = Row(counted[0]).Int(0), texts = Row(counted[0]).Int(1);
  if (shifts == 0 && texts == 0) return absl::OkStatus();
  return MakeError(
      Reason::kWorkerHasHistory,
      absl::StrCat("worker ", id, " has ", shifts, " shifts and ", texts, " collector texts"),
      {{"id", absl::StrCat(id)},
       {"shifts", absl::StrCat(shifts)},
       {"collector_texts", absl::StrCat(texts)}});
}

}  // namespace

absl::StatusOr<v1::DeleteWorkerResponse> WorkerRepository::DeleteWorker(
    const v1::DeleteWorkerRequest& request) {
  const bool hard = request.mode() == v1::DELETION_MODE_HARD;
  auto worker =
      LockWorker(session_, request.id(), hard ? DeletedWorker::kAllowed : DeletedWorker::kRefused);
  if (!worker.ok()) return worker.status();
  if (worker->version() != request.version()) {
    return StaleVersion("worker", request.id(), request.version(), worker->version());
  }
  if (worker->on_shift()) return WorkerOnShift(request.id());
  if (hard) {
    if (absl::Status status = CheckNoHistory(session_, request.id()); !status.ok()) return status;
    session_.Run(kRemove, request.id());
  } else {
    session_.Run(kMarkDeleted, request.id());
    worker = ReadWorker(session_, request.id());
    if (!worker.ok()) return worker.status();
  }

  v1::DeleteWorkerResponse response;
  *response.mutable_worker() = *std::move(worker);
  return response;
}

StatementList WorkerDeleteStatements() {
  static constexpr const Statement* kAll[] = {&kMarkDeleted, &kHistory, &kRemove};
  return kAll;
}

}  // namespace aquifer
