// Registering the worker of a chat, and adding one without.
#include <cstdint>
#include <optional>

#include "repositories/errors.h"
#include "repositories/row.h"
#include "repositories/statements.h"
#include "repositories/worker_access.h"
#include "repositories/worker_repository.h"

namespace aquifer {
namespace {

constexpr Statement kFind = {"workers.find_chat", R"sql(
SELECT w.id, w.deleted_at IS NOT NULL
FROM aquifer.workers AS w
WHERE w.chat_id = $1::bigint
)sql"};

// No row if the chat was registered since kFind looked.
constexpr Statement kInsert = {"workers.insert", R"sql(
INSERT INTO aquifer.workers (chat_id, name, phone, receives_summaries)
VALUES ($1::bigint, $2::text, $3::text, $4::boolean)
ON CONFLICT (chat_id) DO NOTHING
RETURNING id
)sql"};

// The registration ended with the deletion; what it left unfinished in the chat ended with it.
constexpr Statement kRevive = {"workers.revive", R"sql(
UPDATE aquifer.workers AS w
SET deleted_at = NULL,
    employed = true,
    name = $2::text,
    phone = $3::text,
    receives_summaries = $4::boolean,
    dialogue_state = '',
    version = w.version + 1,
    updated_at = now()
WHERE w.id = $1::bigint
  AND w.deleted_at IS NOT NULL
)sql"};

struct Registration {
  std::int64_t id = 0;
  v1::RegisterOutcome outcome = v1::REGISTER_OUTCOME_UNSPECIFIED;
};

pqxx::result Insert(Session& session, std::optional<std::int64_t> chat_id,
                    const v1::NewWorker& worker) {
  return session.Run(kInsert, chat_id, worker.name(), worker.phone(), worker.receives_summaries());
}

// Looks first: an INSERT that finds the chat taken would use up an id at every repeat.
absl::StatusOr<Registration> Register(Session& session, const v1::RegisterWorkerRequest& request) {
  pqxx::result found = session.Run(kFind, request.chat_id());
  if (found.empty()) {
    const pqxx::result inserted = Insert(session, request.chat_id(), request.worker());
    if (!inserted.empty()) {
      return Registration{Row(inserted[0]).Int(0), v1::REGISTER_OUTCOME_CREATED};
    }
    found = session.Run(kFind, request.chat_id());
    // Taken and given up again, between two statements.
    if (found.empty()) return MakeError(Reason::kTransactionConflict, "the chat changed hands");
  }
  Registration registration{Row(found[0]).Int(0), v1::REGISTER_OUTCOME_UNCHANGED};
  if (Row(found[0]).Bool(1)) {
    const v1::NewWorker& worker = request.worker();
    const pqxx::result revived = session.Run(kRevive, registration.id, worker.name(),
                                             worker.phone(), worker.receives_summaries());
    if (revived.affected_rows() > 0) registration.outcome = v1::REGISTER_OUTCOME_REVIVED;
  }
  return registration;
}

}  // namespace

absl::StatusOr<v1::RegisterWorkerResponse> WorkerRepository::RegisterWorker(
    const v1::RegisterWorkerRequest& request) {
  const auto registration = Register(session_, request);
  if (!registration.ok()) return registration.status();
  auto worker = ReadWorker(session_, registration->id);
  if (!worker.ok()) return worker.status();

  v1::RegisterWorkerResponse response;
  response.set_outcome(registration->outcome);
  response.set_created(registration->outcome == v1::REGISTER_OUTCOME_CREATED);
  *response.mutable_worker() = *std::move(worker);
  return response;
}

absl::StatusOr<v1::CreateWorkerResponse> WorkerRepository::CreateWorker(
    const v1::CreateWorkerRequest& request) {
  const pqxx::result inserted = Insert(session_, std::nullopt, request.worker());
  auto worker = ReadWorker(session_, Row(inserted[0]).Int(0));
  if (!worker.ok()) return worker.status();

  v1::CreateWorkerResponse response;
  *response.mutable_worker() = *std::move(worker);
  return response;
}

StatementList WorkerRegistrationStatements() {
  static constexpr const Statement* kAll[] = {&kFind, &kInsert, &kRevive};
  return kAll;
}

}  // namespace aquifer
