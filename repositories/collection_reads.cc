// Reading one line, and asking whether there is any.
#include <absl/strings/str_cat.h>

#include "repositories/collection_repository.h"
#include "repositories/collection_row.h"
#include "repositories/errors.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

constexpr Statement kGetById = {"collections.get_by_id", "SELECT " AQUIFER_COLLECTION_COLUMNS R"sql(
FROM aquifer.collections AS c
)sql" AQUIFER_COLLECTION_JOINS R"sql(
WHERE c.id = $1::bigint
)sql"};

constexpr Statement kGetByKey = {"collections.get_by_key",
                                 "SELECT " AQUIFER_COLLECTION_COLUMNS R"sql(
FROM aquifer.collections AS c
)sql" AQUIFER_COLLECTION_JOINS R"sql(
WHERE c.device_id = $1::text
  AND c.collected_at = $2::timestamptz
)sql"};

constexpr Statement kCountAt = {"collections.count_at", R"sql(
SELECT count(*)
FROM aquifer.collections AS c
WHERE c.device_id = $1::text
  AND c.collected_at = $2::timestamptz
)sql"};

constexpr Statement kCountOnDay = {"collections.count_on_day", R"sql(
SELECT count(*)
FROM aquifer.collections AS c
WHERE c.device_id = $1::text
  AND c.collected_at >= $2::date::timestamptz
  AND c.collected_at < ($2::date + 1)::timestamptz
)sql"};

absl::Status KeyNotFound(const v1::CollectionKey& key) {
  const std::string at = InstantText(key.collected_at());
  return MakeError(Reason::kCollectionNotFound,
                   absl::StrCat("collection of device ", key.device_id(), " at ", at, " not found"),
                   {{"device_id", key.device_id()}, {"collected_at", at}});
}

}  // namespace

absl::StatusOr<v1::GetCollectionResponse> CollectionRepository::GetCollection(
    const v1::GetCollectionRequest& request) {
  const bool by_key = request.has_key();
  const pqxx::result rows = by_key ? session_.Run(kGetByKey, request.key().device_id(),
                                                  InstantText(request.key().collected_at()))
                                   : session_.Run(kGetById, request.id());
  if (rows.empty()) return by_key ? KeyNotFound(request.key()) : CollectionNotFound(request.id());

  v1::GetCollectionResponse response;
  CollectionFrom(Row(rows[0]), *response.mutable_collection());
  return response;
}

absl::StatusOr<v1::CheckCollectionExistsResponse> CollectionRepository::CheckCollectionExists(
    const v1::CheckCollectionExistsRequest& request) {
  const pqxx::result rows =
      request.has_day()
          ? session_.Run(kCountOnDay, request.device_id(), DayText(request.day()))
          : session_.Run(kCountAt, request.device_id(), InstantText(request.collected_at()));

  v1::CheckCollectionExistsResponse response;
  response.set_lines(Row(rows[0]).Int(0));
  response.set_exists(response.lines() > 0);
  return response;
}

StatementList CollectionReadStatements() {
  static constexpr const Statement* kAll[] = {&kGetById, &kGetByKey, &kCountAt, &kCountOnDay};
  return kAll;
}

}  // namespace aquifer
