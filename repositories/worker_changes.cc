// Changing workers: single fields, employment in bulk, dialogue states.
#include <absl/strings/str_cat.h>

#include <cstdint>

#include "repositories/array.h"
#include "repositories/errors.h"
#include "repositories/row.h"
#include "repositories/statements.h"
#include "repositories/update_mask.h"
#include "repositories/worker_access.h"
#include "repositories/worker_repository.h"

namespace aquifer {
namespace {

constexpr Statement kUpdate = {"workers.update", R"sql(
UPDATE aquifer.workers AS w
SET name = CASE WHEN $2::boolean THEN $3::text ELSE w.name END,
    phone = CASE WHEN $4::boolean THEN $5::text ELSE w.phone END,
    chat_id = CASE WHEN $6::boolean THEN NULLIF($7::bigint, 0) ELSE w.chat_id END,
    employed = CASE WHEN $8::boolean THEN $9::boolean ELSE w.employed END,
    receives_summaries =
      CASE WHEN $10::boolean THEN $11::boolean ELSE w.receives_summaries END,
    version = w.version + 1,
    updated_at = now()
WHERE w.id = $1::bigint
)sql"};

constexpr Statement kOtherOfChat = {"workers.other_of_chat", R"sql(
SELECT w.id
FROM aquifer.workers AS w
WHERE w.chat_id = $1::bigint
  AND w.id <> $2::bigint
)sql"};

// Locked in the order of ids, so that two of these do not lock each other out.
constexpr Statement kSetEmployed = {"workers.set_employed", R"sql(
WITH asked AS (
  SELECT DISTINCT given.id
  FROM unnest($1::bigint[]) AS given (id)
), found AS MATERIALIZED (
  SELECT w.id, w.employed
  FROM aquifer.workers AS w
  JOIN asked ON asked.id = w.id
  WHERE w.deleted_at IS NULL
  ORDER BY w.id
  FOR NO KEY UPDATE OF w
), changed AS (
  UPDATE aquifer.workers AS w
  SET employed = $2::boolean,
      version = w.version + 1,
      updated_at = now()
  FROM found
  WHERE w.id = found.id
    AND found.employed <> $2::boolean
)
SELECT asked.id, found.id IS NULL, found.employed = $2::boolean
FROM asked
LEFT JOIN found ON found.id = asked.id
ORDER BY asked.id
)sql"};

constexpr Statement kSetDialogueState = {"workers.set_dialogue_state", R"sql(
UPDATE aquifer.workers AS w
SET dialogue_state = $2::text
WHERE w.id = $1::bigint
)sql"};

absl::Status ChatTaken(std::int64_t owner) {
  return MakeError(Reason::kChatTaken, absl::StrCat("the chat is that of worker ", owner),
                   {{"id", absl::StrCat(owner)}});
}

// Without the states: they may hold what somebody typed.
absl::Status DialogueStateChanged(std::int64_t id) {
  return MakeError(Reason::kDialogueStateChanged,
                   absl::StrCat("the dialogue state of worker ", id, " is not the expected one"),
                   {{"id", absl::StrCat(id)}});
}

}  // namespace

absl::StatusOr<v1::UpdateWorkerResponse> WorkerRepository::UpdateWorker(
    const v1::UpdateWorkerRequest& request) {
  const auto stored = LockWorker(session_, request.id());
  if (!stored.ok()) return stored.status();
  if (stored->version() != request.version()) {
    return StaleVersion("worker", request.id(), request.version(), stored->version());
  }
  const v1::WorkerFields& fields = request.worker();
  const UpdateMask mask(request.update_mask());
  if (mask.Has("chat_id")) {
    const auto other = session_.Run(kOtherOfChat, fields.chat_id(), request.id());
    if (!other.empty()) return ChatTaken(Row(other[0]).Int(0));
  }
  session_.Run(kUpdate, request.id(), mask.Has("name"), fields.name(), mask.Has("phone"),
               fields.phone(), mask.Has("chat_id"), fields.chat_id(), mask.Has("employed"),
               fields.employed(), mask.Has("receives_summaries"), fields.receives_summaries());
  auto worker = ReadWorker(session_, request.id());
  if (!worker.ok()) return worker.status();

  v1::UpdateWorkerResponse response;
  *response.mutable_worker() = *std::move(worker);
  return response;
}

absl::StatusOr<v1::SetWorkersActiveResponse> WorkerRepository::SetWorkersActive(
    const v1::SetWorkersActiveRequest& request) {
  v1::SetWorkersActiveResponse response;
  for (const auto& fields :
       session_.Run(kSetEmployed, ArrayOf(request.worker_ids()), request.employed())) {
    const Row row(fields);
    if (row.Bool(1)) {
      response.add_missing_ids(row.Int(0));
    } else if (row.Bool(2)) {
      response.add_unchanged_ids(row.Int(0));
    } else {
      response.add_changed_ids(row.Int(0));
    }
  }
  return response;
}

absl::StatusOr<v1::SetDialogueStateResponse> WorkerRepository::SetDialogueState(
    const v1::SetDialogueStateRequest& request) {
  auto worker = LockWorker(session_, request.worker_id());
  if (!worker.ok()) return worker.status();
  if (worker->dialogue_state() != request.expected_state()) {
    return DialogueStateChanged(request.worker_id());
  }
  session_.Run(kSetDialogueState, request.worker_id(), request.new_state());

  v1::SetDialogueStateResponse response;
  *response.mutable_worker() = *std::move(worker);
  response.mutable_worker()->set_dialogue_state(request.new_state());
  return response;
}

StatementList WorkerChangeStatements() {
  static constexpr const Statement* kAll[] = {&kUpdate, &kOtherOfChat, &kSetEmployed,
                                              &kSetDialogueState};
  return kAll;
}

}  // namespace aquifer
