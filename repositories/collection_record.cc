// Storing one line: one statement, one round trip. RecordCollections has the same meaning for many.
#include <string>
#include <vector>

#include "repositories/civil_instants.h"
#include "repositories/collection_line.h"
#include "repositories/collection_repository.h"
#include "repositories/collection_rollup_sql.h"
#include "repositories/collection_row.h"
#include "repositories/collection_upsert.h"
#include "repositories/errors.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// Always one row: whether the wall time occurs, whether the line was stored or is unchanged, and
// the line's columns. The device is registered before the line is locked, in the order that
// batches lock as well. The line's columns are null only if a concurrent transaction stored the
// same key since this statement began.
constexpr Statement kRecord = {"collections.record", R"sql(
WITH line AS MATERIALIZED (
  SELECT
    $1::text COLLATE "C" AS device_id,
    COALESCE($2::timestamptz, aquifer.civil_instant($3::timestamp)) AS collected_at,
    $4::bigint / 100.0 AS banknotes,
    $5::bigint / 100.0 AS coins,
    $6::text AS collector,
    $7::text AS card_id,
    $8::text AS note,
    $9::text AS machine
), known AS MATERIALIZED (
  SELECT )sql" AQUIFER_STORED_COLUMNS("c") ", " AQUIFER_LINE_ADDS("line") R"sql( AS gains
  FROM line
  JOIN aquifer.collections AS c
    ON c.device_id = line.device_id AND c.collected_at = line.collected_at
), registered AS (
  INSERT INTO aquifer.devices (device_id)
  SELECT line.device_id
  FROM line
  WHERE line.collected_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM known)
    AND NOT EXISTS (
      SELECT FROM aquifer.devices AS device WHERE device.device_id = line.device_id)
  ON CONFLICT DO NOTHING
  RETURNING device_id
), stored AS (
  INSERT INTO aquifer.collections AS c ()sql" AQUIFER_LINE_COLUMNS R"sql()
  SELECT )sql" AQUIFER_LINE_COLUMNS R"sql(
  FROM line
  WHERE line.collected_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM known WHERE NOT known.gains)
    AND (SELECT count(*) FROM registered) >= 0
)sql" AQUIFER_LINE_RAISE R"sql(
  RETURNING )sql" AQUIFER_STORED_COLUMNS("c") R"sql(
), )sql" AQUIFER_MARKS("stored") R"sql(, )sql" AQUIFER_LINE_OUTCOMES(
                                                         "known WHERE NOT known.gains") R"sql(
SELECT )sql" AQUIFER_COLLECTION_COLUMNS R"sql(, c.outcome, line.collected_at IS NOT NULL
FROM line
LEFT JOIN c ON true
)sql" AQUIFER_COLLECTION_JOINS};

constexpr int kOutcomeColumn = 16;
constexpr int kOccursColumn = 17;

}  // namespace

absl::StatusOr<v1::RecordCollectionResponse> CollectionRepository::RecordCollection(
    const v1::RecordCollectionRequest& request) {
  const v1::CollectionLine& line = request.line();
  std::vector<FieldViolation> violations;
  const ParsedLine parsed = ParseLine(line, "line", violations);
  if (!violations.empty()) return InvalidFields(violations);

  v1::RecordCollectionResponse response;
  if (parsed.IsZero()) {
    if (parsed.wall_time && !CivilInstants(session_, {*parsed.wall_time}).front()) {
      return InvalidFields({{"line.wall_time", std::string(kWallTimeSkipped)}});
    }
    response.set_outcome(v1::RECORD_OUTCOME_SKIPPED);
    return response;
  }
  // The second time round sees what another transaction stored meanwhile, and holds its lock.
  while (true) {
    const pqxx::result result = session_.Run(
        kRecord, line.device_id(), parsed.instant, parsed.wall_time, parsed.banknotes_minor,
        parsed.coins_minor, line.collector(), line.card_id(), line.note(), line.machine());
    const Row row(result[0]);
    if (!row.Bool(kOccursColumn)) {
      return InvalidFields({{"line.wall_time", std::string(kWallTimeSkipped)}});
    }
    if (row.IsNull(kOutcomeColumn)) continue;
    response.set_outcome(static_cast<v1::RecordOutcome>(row.Int(kOutcomeColumn)));
    CollectionFrom(row, *response.mutable_collection());
    return response;
  }
}

StatementList CollectionRecordStatements() {
  static constexpr const Statement* kAll[] = {&kRecord};
  return kAll;
}

}  // namespace aquifer
