// Raw collector texts and the workers they mean (domain rule 6). The mapping is joined at read
// time, so past lines follow it at once and no line is rewritten.
#include <cstdint>
#include <optional>
#include <string>

#include "repositories/collection_repository.h"
#include "repositories/errors.h"
#include "repositories/page.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// $1 the text to go on after, $2 how many to list, $3 whether only unmapped ones, $4 and $5 the
// first and last day, or NULL. `chain` hops from one text to the next in the index, one probe each,
// however many lines a text has, and ends as soon as enough are listed. The empty text, which
// names nobody, comes before every other and so is never reached.
constexpr Statement kList = {"collector_texts.list", R"sql(
WITH RECURSIVE span AS (
  SELECT
    COALESCE($4::date::timestamptz, '-infinity') AS since,
    COALESCE(($5::date + 1)::timestamptz, 'infinity') AS until
), chain (collector, listed, listed_so_far) AS (
  SELECT $1::text COLLATE "C", false, 0
  UNION ALL
  SELECT next.collector, probe.listed, chain.listed_so_far + probe.listed::integer
  FROM chain
  CROSS JOIN LATERAL (
    SELECT line.collector
    FROM aquifer.collections AS line
    WHERE line.collector > chain.collector
    ORDER BY line.collector
    LIMIT 1
  ) AS next
  CROSS JOIN LATERAL (
    SELECT
      (NOT $3::boolean OR NOT EXISTS (
        SELECT FROM aquifer.collector_aliases AS alias WHERE alias.collector = next.collector))
      AND ($4::date IS NULL OR EXISTS (
        SELECT
        FROM aquifer.collections AS line, span
        WHERE line.collector = next.collector
          AND line.collected_at >= span.since AND line.collected_at < span.until))
      AS listed
  ) AS probe
  WHERE chain.listed_so_far < $2::integer
)
SELECT
  chain.collector, COALESCE(worker.id, 0), COALESCE(worker.name, ''), used.lines,
  used.first_at, used.last_at
FROM chain
CROSS JOIN LATERAL (
  SELECT count(*) AS lines, min(line.collected_at) AS first_at, max(line.collected_at) AS last_at
  FROM aquifer.collections AS line, span
  WHERE line.collector = chain.collector
    AND line.collected_at >= span.since AND line.collected_at < span.until
) AS used
LEFT JOIN aquifer.collector_aliases AS alias ON alias.collector = chain.collector
LEFT JOIN aquifer.workers AS worker ON worker.id = alias.worker_id
WHERE chain.listed
ORDER BY chain.collector
)sql"};

// The lock keeps the worker from being deleted before the alias names it.
constexpr Statement kWorker = {"collector_texts.lock_worker", R"sql(
SELECT name
FROM aquifer.workers
WHERE id = $1::bigint
FOR KEY SHARE
)sql"};

// A row only if something changed, and whether it is new: an updated row carries the lock that ON
// CONFLICT took in xmax. An alias that means this worker already is locked and returns none.
constexpr Statement kSet = {"collector_texts.set_alias", R"sql(
INSERT INTO aquifer.collector_aliases AS alias (collector, worker_id)
VALUES ($1::text, $2::bigint)
ON CONFLICT (collector) DO UPDATE
SET worker_id = excluded.worker_id
WHERE alias.worker_id <> excluded.worker_id
RETURNING alias.xmax = 0
)sql"};

constexpr Statement kCount = {"collector_texts.count_lines", R"sql(
SELECT count(*)
FROM aquifer.collections
WHERE collector = $1::text
)sql"};

constexpr Statement kDelete = {"collector_texts.delete_alias", R"sql(
DELETE FROM aquifer.collector_aliases
WHERE collector = $1::text
)sql"};

void CollectorTextFrom(const Row& row, v1::CollectorText& text) {
  text.mutable_collector()->set_text(row.Text(0));
  text.mutable_collector()->set_worker_id(row.Int(1));
  text.mutable_collector()->set_worker_name(row.Text(2));
  text.set_lines(row.Int(3));
  *text.mutable_first_at() = row.Instant(4);
  *text.mutable_last_at() = row.Instant(5);
}

v1::RecordOutcome OutcomeOf(const pqxx::result& set) {
  if (set.empty()) return v1::RECORD_OUTCOME_UNCHANGED;
  return Row(set[0]).Bool(0) ? v1::RECORD_OUTCOME_INSERTED : v1::RECORD_OUTCOME_UPDATED;
}

}  // namespace

absl::StatusOr<v1::ListCollectorTextsResponse> CollectionRepository::ListCollectorTexts(
    const v1::ListCollectorTextsRequest& request) {
  const auto after = DecodePageToken(request, request.page_token(), 1);
  if (!after.ok()) return after.status();
  std::optional<std::string> first, last;
  if (request.has_days()) {
    first = DayText(request.days().first());
    last = DayText(request.days().last());
  }
  const std::int32_t page_size = PageSize(request.page_size());

  // One more than the page, to know whether there is another.
  const pqxx::result found = session_.Run(kList, *after ? (**after)[0] : std::string(),
                                          page_size + 1, request.unmapped_only(), first, last);
  v1::ListCollectorTextsResponse response;
  for (const auto& fields : found) {
    if (response.texts_size() == page_size) {
      const std::string& end = response.texts(page_size - 1).collector().text();
      response.set_next_page_token(EncodePageToken(request, {end}));
      break;
    }
    CollectorTextFrom(Row(fields), *response.add_texts());
  }
  return response;
}

absl::StatusOr<v1::SetCollectorAliasResponse> CollectionRepository::SetCollectorAlias(
    const v1::SetCollectorAliasRequest& request) {
  const pqxx::result worker = session_.Run(kWorker, request.worker_id());
  if (worker.empty()) return WorkerNotFound(request.worker_id());

  v1::SetCollectorAliasResponse response;
  response.set_outcome(OutcomeOf(session_.Run(kSet, request.text(), request.worker_id())));
  response.mutable_collector()->set_text(request.text());
  response.mutable_collector()->set_worker_id(request.worker_id());
  response.mutable_collector()->set_worker_name(Row(worker[0]).Text(0));
  response.set_lines(Row(session_.Run(kCount, request.text())[0]).Int(0));
  return response;
}

absl::StatusOr<v1::DeleteCollectorAliasResponse> CollectionRepository::DeleteCollectorAlias(
    const v1::DeleteCollectorAliasRequest& request) {
  if (session_.Run(kDelete, request.text()).affected_rows() == 0) {
    // Without the text: it may be a person's name.
    return MakeError(Reason::kCollectorAliasNotFound, "the collector text is not mapped");
  }
  return v1::DeleteCollectorAliasResponse();
}

StatementList CollectorTextStatements() {
  static constexpr const Statement* kAll[] = {&kList, &kWorker, &kSet, &kCount, &kDelete};
  return kAll;
}

}  // namespace aquifer
