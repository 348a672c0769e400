// Correcting a line: the one way an amount gets lower, with what was in the audit trail. From then
// on storing the line again no longer raises it (collection_upsert.h).
#include <cstdint>

#include "repositories/collection_repository.h"
#include "repositories/collection_rollup_sql.h"
#include "repositories/collection_row.h"
#include "repositories/errors.h"
#include "repositories/given.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

constexpr Statement kLock = {"collections.lock_to_correct", R"sql(
SELECT version
FROM aquifer.collections
WHERE id = $1::bigint
FOR UPDATE
)sql"};

// Both parts see the line as it was when the statement began: the lock keeps it so.
constexpr Statement kCorrect = {"collections.correct", R"sql(
WITH audited AS (
  INSERT INTO aquifer.collection_audit (collection_id, action, reason, actor, before)
  SELECT line.id, 'correct', $5::text, $6::text, to_jsonb(line)
  FROM aquifer.collections AS line
  WHERE line.id = $1::bigint
), c AS (
  UPDATE aquifer.collections AS line
  SET banknotes = COALESCE($2::bigint / 100.0, line.banknotes),
      coins = COALESCE($3::bigint / 100.0, line.coins),
      collector = COALESCE($4::text, line.collector),
      version = line.version + 1,
      updated_at = now(),
      corrected_at = now()
  WHERE line.id = $1::bigint
  RETURNING )sql" AQUIFER_STORED_COLUMNS("line") R"sql(
), )sql" AQUIFER_MARKS("c") R"sql(
SELECT )sql" AQUIFER_COLLECTION_COLUMNS R"sql(
FROM c
)sql" AQUIFER_COLLECTION_JOINS};

}  // namespace

absl::StatusOr<v1::CorrectCollectionResponse> CollectionRepository::CorrectCollection(
    const v1::CorrectCollectionRequest& request) {
  if (!request.has_banknotes_minor() && !request.has_coins_minor() && !request.has_collector()) {
    return InvalidFields(
        {{"banknotes_minor", "must be set where neither coins_minor nor collector is"}});
  }
  const pqxx::result locked = session_.Run(kLock, request.id());
  if (locked.empty()) return CollectionNotFound(request.id());
  const std::int64_t version = Row(locked[0]).Int(0);
  if (version != request.version()) {
    return StaleVersion("collection", request.id(), request.version(), version);
  }

  const pqxx::result corrected = session_.Run(
      kCorrect, request.id(), Given(request.has_banknotes_minor(), request.banknotes_minor()),
      Given(request.has_coins_minor(), request.coins_minor()),
      Given(request.has_collector(), request.collector()), request.reason(), request.actor());
  v1::CorrectCollectionResponse response;
  CollectionFrom(Row(corrected[0]), *response.mutable_collection());
  return response;
}

StatementList CollectionChangeStatements() {
  static constexpr const Statement* kAll[] = {&kLock, &kCorrect};
  return kAll;
}

}  // namespace aquifer
