// Reading one line, and asking whether there is any; for one caller, and for several at once.
#include <absl/strings/str_cat.h>

#include <vector>

#include "repositories/array.h"
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

// Beside the columns: which of those asked for it is, counted from 1. Asked twice, it comes twice.
constexpr Statement kGetManyById = {"collections.get_many_by_id",
                                    "SELECT " AQUIFER_COLLECTION_COLUMNS R"sql(, given.place
FROM unnest($1::bigint[]) WITH ORDINALITY AS given (id, place)
JOIN aquifer.collections AS c
  ON c.id = given.id
)sql" AQUIFER_COLLECTION_JOINS};

constexpr Statement kGetManyByKey = {"collections.get_many_by_key",
                                     "SELECT " AQUIFER_COLLECTION_COLUMNS R"sql(, given.place
FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY
  AS given (device_id, collected_at, place)
JOIN aquifer.collections AS c
  ON c.device_id = given.device_id AND c.collected_at = given.collected_at
)sql" AQUIFER_COLLECTION_JOINS};

constexpr int kPlaceColumn = 16;

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

// A row for each of those asked for, in their order.
constexpr Statement kCountManyAt = {"collections.count_many_at", R"sql(
SELECT (
  SELECT count(*)
  FROM aquifer.collections AS c
  WHERE c.device_id = given.device_id
    AND c.collected_at = given.collected_at
)
FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY
  AS given (device_id, collected_at, place)
ORDER BY given.place
)sql"};

constexpr Statement kCountManyOnDay = {"collections.count_many_on_day", R"sql(
SELECT (
  SELECT count(*)
  FROM aquifer.collections AS c
  WHERE c.device_id = given.device_id
    AND c.collected_at >= given.day::timestamptz
    AND c.collected_at < (given.day + 1)::timestamptz
)
FROM unnest($1::text[], $2::date[]) WITH ORDINALITY AS given (device_id, day, place)
ORDER BY given.place
)sql"};

using GetCall = Joined<v1::GetCollectionRequest, v1::GetCollectionResponse>;
using ExistsCall = Joined<v1::CheckCollectionExistsRequest, v1::CheckCollectionExistsResponse>;

absl::Status KeyNotFound(const v1::CollectionKey& key) {
  const std::string at = InstantText(key.collected_at());
  return MakeError(Reason::kCollectionNotFound,
                   absl::StrCat("collection of device ", key.device_id(), " at ", at, " not found"),
                   {{"device_id", key.device_id()}, {"collected_at", at}});
}

absl::Status NotFound(const v1::GetCollectionRequest& request) {
  return request.has_key() ? KeyNotFound(request.key()) : CollectionNotFound(request.id());
}

// Calls that one statement answers, with its parameters as arrays.
template <typename JoinedCall>
struct Group {
  std::vector<JoinedCall*> calls;
  ArrayParameter first;
  ArrayParameter second;
};

void AnswerGets(const pqxx::result& rows, const std::vector<GetCall*>& calls) {
  for (const auto& fields : rows) {
    const Row row(fields);
    auto& answer = calls[row.Int(kPlaceColumn) - 1]->answer.emplace(v1::GetCollectionResponse());
    CollectionFrom(row, *answer->mutable_collection());
  }
  for (GetCall* call : calls) {
    if (!call->answer) call->answer = NotFound(*call->request);
  }
}

v1::CheckCollectionExistsResponse ExistsFrom(const Row& row) {
  v1::CheckCollectionExistsResponse response;
  response.set_lines(row.Int(0));
  response.set_exists(response.lines() > 0);
  return response;
}

void AnswerExists(const pqxx::result& rows, const std::vector<ExistsCall*>& calls) {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i]->answer = ExistsFrom(Row(rows[static_cast<int>(i)]));
  }
}

}  // namespace

absl::StatusOr<v1::GetCollectionResponse> CollectionRepository::GetCollection(
    const v1::GetCollectionRequest& request) {
  const bool by_key = request.has_key();
  const pqxx::result rows = by_key ? session_.Run(kGetByKey, request.key().device_id(),
                                                  InstantText(request.key().collected_at()))
                                   : session_.Run(kGetById, request.id());
  if (rows.empty()) return NotFound(request);

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

  return ExistsFrom(Row(rows[0]));
}

void CollectionRepository::GetCollectionJoined(
    JoinedCalls<v1::GetCollectionRequest, v1::GetCollectionResponse> calls) {
  Group<GetCall> by_id;
  Group<GetCall> by_key;
  for (GetCall& call : calls) {
    const v1::GetCollectionRequest& request = *call.request;
    if (request.has_key()) {
      by_key.calls.push_back(&call);
      by_key.first.Add(request.key().device_id());
      by_key.second.Add(InstantText(request.key().collected_at()));
    } else {
      by_id.calls.push_back(&call);
      by_id.first.Add(request.id());
    }
  }
  if (!by_id.calls.empty()) AnswerGets(session_.Run(kGetManyById, by_id.first.Text()), by_id.calls);
  if (!by_key.calls.empty()) {
    AnswerGets(session_.Run(kGetManyByKey, by_key.first.Text(), by_key.second.Text()),
               by_key.calls);
  }
}

void CollectionRepository::CheckCollectionExistsJoined(
    JoinedCalls<v1::CheckCollectionExistsRequest, v1::CheckCollectionExistsResponse> calls) {
  Group<ExistsCall> on_day;
  Group<ExistsCall> at;
  for (ExistsCall& call : calls) {
    const v1::CheckCollectionExistsRequest& request = *call.request;
    Group<ExistsCall>& group = request.has_day() ? on_day : at;
    group.calls.push_back(&call);
    group.first.Add(request.device_id());
    group.second.Add(request.has_day() ? DayText(request.day())
                                       : InstantText(request.collected_at()));
  }
  if (!on_day.calls.empty()) {
    AnswerExists(session_.Run(kCountManyOnDay, on_day.first.Text(), on_day.second.Text()),
                 on_day.calls);
  }
  if (!at.calls.empty()) {
    AnswerExists(session_.Run(kCountManyAt, at.first.Text(), at.second.Text()), at.calls);
  }
}

StatementList CollectionReadStatements() {
  static constexpr const Statement* kAll[] = {&kGetById,      &kGetByKey,      &kGetManyById,
                                              &kGetManyByKey, &kCountAt,       &kCountOnDay,
                                              &kCountManyAt,  &kCountManyOnDay};
  return kAll;
}

}  // namespace aquifer
