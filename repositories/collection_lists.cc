// Lists of lines, page by page, and the stream made of such pages.
//
// A page begins after a position: the (collected_at, id) of the last line before it. No position
// gets lost or doubled by lines stored meanwhile, and the hundredth page costs what the first does.
#include <algorithm>

#include "repositories/collection_filter.h"
#include "repositories/collection_repository.h"
#include "repositories/collection_row.h"
#include "repositories/page.h"
#include "repositories/position.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// The position is $10 and $11, and at most $12 lines come. Without a position ($10 NULL, $11 0) the
// range's own end stands in: ids begin with 1, so the comparison keeps the range half open. It
// takes that end's place rather than joining it, because an index scan begins at the first of two
// bounds, not at the tighter.
// clang-format off
#define AQUIFER_NEWEST_FIRST                                                               \
  "c.collected_at >= " AQUIFER_FILTER_START " "                                            \
  "AND (c.collected_at, c.id) "                                                            \
      "< (COALESCE($10::timestamptz, " AQUIFER_FILTER_END "), $11::bigint) "
#define AQUIFER_OLDEST_FIRST                                                               \
  "c.collected_at < " AQUIFER_FILTER_END " "                                               \
  "AND (c.collected_at, c.id) "                                                            \
      "> (COALESCE($10::timestamptz, " AQUIFER_FILTER_START "), $11::bigint) "

// The end of every page's statement.
#define AQUIFER_PAGE_ORDER(direction)                                                      \
  "ORDER BY c.collected_at " direction ", c.id " direction " "

// The page is cut before the workers are joined.
#define AQUIFER_WITH_WORKERS(page, direction)                                              \
  "SELECT " AQUIFER_COLLECTION_COLUMNS " "                                                 \
  "FROM (" page ") AS c "                                                                  \
  AQUIFER_COLLECTION_JOINS                                                                 \
  AQUIFER_PAGE_ORDER(direction)

#define AQUIFER_PAGE_BY_TIME(range, others, direction)                                     \
  AQUIFER_WITH_WORKERS(                                                                    \
      "SELECT " AQUIFER_STORED_COLUMNS("c")                                                \
      "FROM aquifer.collections AS c "                                                     \
      "WHERE " range                                                                       \
      "AND " others                                                                        \
      AQUIFER_PAGE_ORDER(direction)                                                        \
      "LIMIT $12::bigint",                                                                 \
      direction)
#define AQUIFER_NOT_LOOKED_UP                                                              \
  AQUIFER_FILTER_DEVICES "AND " AQUIFER_FILTER_COLLECTORS "AND " AQUIFER_FILTER_TOTALS

// A page of each key, a device or a collector, in its index's order; then a page of those. So each
// key costs at most a page, wherever in the history its lines lie. `others` is what the key leaves
// to be checked, `order` the index's own: a device's lines all differ in time, and to ask for their
// ids too would have them sorted.
#define AQUIFER_PAGE_OF_EACH(keys, column, range, others, order, direction)                \
  AQUIFER_WITH_WORKERS(                                                                    \
      "SELECT " AQUIFER_STORED_COLUMNS("c")                                                \
      "FROM (" keys ") AS k (value) "                                                      \
      "CROSS JOIN LATERAL ("                                                               \
          "SELECT " AQUIFER_STORED_COLUMNS("c")                                            \
          "FROM aquifer.collections AS c "                                                 \
          "WHERE " column " = k.value "                                                    \
          "AND " range                                                                     \
          "AND " others                                                                    \
          "AND " AQUIFER_FILTER_TOTALS                                                     \
          order                                                                            \
          "LIMIT $12::bigint) AS c "                                                       \
      AQUIFER_PAGE_ORDER(direction)                                                        \
      "LIMIT $12::bigint",                                                                 \
      direction)

#define AQUIFER_PAGE_BY_DEVICE(range, direction)                                           \
  AQUIFER_PAGE_OF_EACH("SELECT DISTINCT unnest($5::text[])", "c.device_id", range,         \
                       AQUIFER_FILTER_COLLECTORS,                                          \
                       "ORDER BY c.collected_at " direction " ", direction)
#define AQUIFER_PAGE_BY_COLLECTOR(range, direction)                                        \
  AQUIFER_PAGE_OF_EACH(AQUIFER_FILTER_COLLECTOR_TEXTS, "c.collector", range,               \
                       AQUIFER_FILTER_COLLECTORS "AND " AQUIFER_FILTER_DEVICES,            \
                       AQUIFER_PAGE_ORDER(direction), direction)
// clang-format on

constexpr Statement kNewest = {
    "collections.list_newest",
    AQUIFER_PAGE_BY_TIME(AQUIFER_NEWEST_FIRST, AQUIFER_FILTER_RANGE_ALONE, "DESC")};
constexpr Statement kNewestByTime = {
    "collections.list_newest_by_time",
    AQUIFER_PAGE_BY_TIME(AQUIFER_NEWEST_FIRST, AQUIFER_NOT_LOOKED_UP, "DESC")};
constexpr Statement kNewestByDevice = {"collections.list_newest_by_device",
                                       AQUIFER_PAGE_BY_DEVICE(AQUIFER_NEWEST_FIRST, "DESC")};
constexpr Statement kNewestByCollector = {"collections.list_newest_by_collector",
                                          AQUIFER_PAGE_BY_COLLECTOR(AQUIFER_NEWEST_FIRST, "DESC")};
constexpr Statement kOldest = {
    "collections.list_oldest",
    AQUIFER_PAGE_BY_TIME(AQUIFER_OLDEST_FIRST, AQUIFER_FILTER_RANGE_ALONE, "ASC")};
constexpr Statement kOldestByTime = {
    "collections.list_oldest_by_time",
    AQUIFER_PAGE_BY_TIME(AQUIFER_OLDEST_FIRST, AQUIFER_NOT_LOOKED_UP, "ASC")};
constexpr Statement kOldestByDevice = {"collections.list_oldest_by_device",
                                       AQUIFER_PAGE_BY_DEVICE(AQUIFER_OLDEST_FIRST, "ASC")};
constexpr Statement kOldestByCollector = {"collections.list_oldest_by_collector",
                                          AQUIFER_PAGE_BY_COLLECTOR(AQUIFER_OLDEST_FIRST, "ASC")};

constexpr FilteredStatement kNewestFirst = {kNewestByTime, kNewestByDevice, kNewestByCollector,
                                            kNewest};
constexpr FilteredStatement kOldestFirst = {kOldestByTime, kOldestByDevice, kOldestByCollector,
                                            kOldest};

constexpr std::int64_t kStreamPageSize = 1000;
// Of AQUIFER_COLLECTION_COLUMNS.
constexpr int kIdColumn = 0;
constexpr int kInstantColumn = 2;

std::string EncodePosition(const google::protobuf::Message& request, const v1::Collection& last) {
  return EncodeTimePosition(request, last.collected_at(), last.id());
}

// Up to `size` rows, and the one beyond that tells that there is a next page.
pqxx::result ReadRows(Session& session, const FilteredStatement& statement,
                      const v1::CollectionFilter& filter, const TimePosition& position,
                      std::int64_t size) {
  const std::int64_t limit = size + 1;
  return RunFiltered(session, statement.On(AccessPathOf(filter, limit)), FilterParameters(filter),
                     position.at, position.id, limit);
}

// Fills `lines` with a page of at most `size`; answers whether more follow.
bool ReadPage(Session& session, const FilteredStatement& statement,
              const v1::CollectionFilter& filter, const TimePosition& position, std::int64_t size,
              google::protobuf::RepeatedPtrField<v1::Collection>& lines) {
  const pqxx::result rows = ReadRows(session, statement, filter, position, size);
  const auto found = static_cast<std::int64_t>(rows.size());
  const auto count = static_cast<int>(std::min(found, size));
  lines.Reserve(count);
  std::size_t bytes = 0;
  for (int i = 0; i < count && bytes < kMostPageBytes; ++i) {
    v1::Collection& line = *lines.Add();
    CollectionFrom(Row(rows[i]), line);
    bytes += line.ByteSizeLong();
  }
  return found > lines.size();
}

// How many of the rows are a stream's page: what PostgreSQL wrote of them is more than what their
// messages take, so the limit holds without making those.
int LinesOfStreamPage(const pqxx::result& rows) {
  const auto most = static_cast<int>(std::min<std::int64_t>(rows.size(), kStreamPageSize));
  std::size_t bytes = 0;
  int count = 0;
  for (; count < most && bytes < kMostPageBytes; ++count) {
    for (const auto& field : rows[count]) bytes += field.size();
  }
  return count;
}

}  // namespace

absl::StatusOr<v1::ListCollectionsResponse> CollectionRepository::ListCollections(
    const v1::ListCollectionsRequest& request) {
  const auto position = DecodeTimePosition(request, request.page_token());
  if (!position.ok()) return position.status();
  const FilteredStatement& statement =
      request.order() == v1::COLLECTION_ORDER_OLDEST_FIRST ? kOldestFirst : kNewestFirst;

  v1::ListCollectionsResponse response;
  auto& lines = *response.mutable_collections();
  if (ReadPage(session_, statement, request.filter(), *position, PageSize(request.page_size()),
               lines)) {
    response.set_next_page_token(EncodePosition(request, lines[lines.size() - 1]));
  }
  return response;
}

absl::StatusOr<StreamPage<v1::StreamCollectionsResponse>> CollectionRepository::StreamCollections(
    const v1::StreamCollectionsRequest& request, const std::string& position) {
  const auto after = DecodeTimePosition(request, position);
  if (!after.ok()) return after.status();

  const pqxx::result rows =
      ReadRows(session_, kOldestFirst, request.filter(), *after, kStreamPageSize);
  const int count = LinesOfStreamPage(rows);
  StreamPage<v1::StreamCollectionsResponse> page;
  if (count < static_cast<int>(rows.size())) {
    const Row last(rows[count - 1]);
    page.next_position =
        EncodeTimePosition(request, last.Instant(kInstantColumn), last.Int(kIdColumn));
  }
  page.fill = [rows, count](v1::StreamCollectionsResponse& response) {
    response.mutable_collections()->Reserve(count);
    for (int i = 0; i < count; ++i) CollectionFrom(Row(rows[i]), *response.add_collections());
  };
  return page;
}

StatementList CollectionListStatements() {
  static constexpr const Statement* kAll[] = {
      &kNewest,       &kOldest,         &kNewestByTime,     &kNewestByDevice, &kNewestByCollector,
      &kOldestByTime, &kOldestByDevice, &kOldestByCollector};
  return kAll;
}

}  // namespace aquifer
