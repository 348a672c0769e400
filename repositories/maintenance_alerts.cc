// Alerts: the urgent tasks, the most urgent first. Urgency is no state: a task is urgent by its
// priority, or by being overdue, until it is completed or cancelled (domain rule 9).
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "repositories/array.h"
#include "repositories/errors.h"
#include "repositories/fill_page.h"
#include "repositories/maintenance_repository.h"
#include "repositories/maintenance_row.h"
#include "repositories/page.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// The most urgent first: by rank of priority, then by when it is due.
#define AQUIFER_PRIORITY_RANK "array_position('{critical,high,medium,low}'::text[], t.priority)"

// $1 the instant overdue is meant at, $2 and $3 the machines and technicians or NULL, $4 to $6 the
// position's rank, instant and id, $7 the limit. Tasks that are open are few.
constexpr Statement kAlerts = {"maintenance.list_alerts", R"sql(
SELECT )sql" AQUIFER_TASK_COLUMNS R"sql(, t.due_at < $1::timestamptz, t.rank,
  t.due_at
FROM (
  SELECT )sql" AQUIFER_STORED_TASK ", " AQUIFER_PRIORITY_RANK R"sql( AS rank
  FROM aquifer.maintenance_tasks AS t
  WHERE )sql" AQUIFER_TASK_OPEN R"sql(
    AND (t.priority IN ('high', 'critical') OR t.due_at < $1::timestamptz)
    AND ($2::text[] IS NULL OR t.device_id = ANY($2::text[]))
    AND ($3::bigint[] IS NULL OR t.technician_id = ANY($3::bigint[]))
    AND ()sql" AQUIFER_PRIORITY_RANK R"sql(, t.due_at, t.id)
      > ($4::integer, $5::timestamptz, $6::bigint)
  ORDER BY rank, t.due_at, t.id
  LIMIT $7::bigint
) AS t
)sql" AQUIFER_TASK_JOINS R"sql(
ORDER BY t.rank, t.due_at, t.id
)sql"};

constexpr Statement kNow = {"maintenance.now", "SELECT now()"};

constexpr int kOverdueColumn = kTaskColumns;
constexpr int kRankColumn = kTaskColumns + 1;
constexpr int kDueColumn = kTaskColumns + 2;

void AlertFrom(const Row& row, v1::Alert& alert) {
  TaskFrom(row, *alert.mutable_task());
  alert.set_overdue(row.Bool(kOverdueColumn));
}

// An instant as a sort value of a token, and back; nullopt for what is no instant.
std::string InstantKey(const google::protobuf::Timestamp& instant) {
  return absl::StrCat(instant.seconds() * 1000000 + instant.nanos() / 1000);
}

std::optional<google::protobuf::Timestamp> InstantFromKey(const std::string& key) {
  constexpr std::int64_t kFirstSecond = -62135596800;
  constexpr std::int64_t kLastSecond = 253402300799;
  std::int64_t micros = 0;
  if (!absl::SimpleAtoi(key, &micros)) return std::nullopt;
  if (micros < kFirstSecond * 1000000 || micros > kLastSecond * 1000000 + 999999) {
    return std::nullopt;
  }
  google::protobuf::Timestamp instant;
  const std::int64_t rest = (micros % 1000000 + 1000000) % 1000000;
  instant.set_seconds((micros - rest) / 1000000);
  instant.set_nanos(static_cast<std::int32_t>(rest * 1000));
  return instant;
}

// The position of a page of alerts, and the instant that all its pages mean.
struct AlertPosition {
  google::protobuf::Timestamp as_of;
  std::int64_t rank = 0;
  std::string due = "-infinity";
  std::int64_t id = 0;
};

absl::StatusOr<AlertPosition> DecodePosition(Session& session,
                                             const v1::ListAlertsRequest& request) {
  const auto keys = DecodePageToken(request, request.page_token(), 4);
  if (!keys.ok()) return keys.status();
  AlertPosition position;
  if (!keys->has_value()) {
    position.as_of = request.has_as_of() ? request.as_of() : Row(session.Run(kNow)[0]).Instant(0);
    return position;
  }
  const auto as_of = InstantFromKey((**keys)[0]);
  const auto due = InstantFromKey((**keys)[2]);
  if (!as_of || !due || !absl::SimpleAtoi((**keys)[1], &position.rank) || position.rank < 1 ||
      position.rank > 4 || !absl::SimpleAtoi((**keys)[3], &position.id)) {
    return PageTokenMismatch();
  }
  position.as_of = *as_of;
  position.due = InstantText(*due);
  return position;
}

}  // namespace

absl::StatusOr<v1::ListAlertsResponse> MaintenanceRepository::ListAlerts(
    const v1::ListAlertsRequest& request) {
  const auto position = DecodePosition(session_, request);
  if (!position.ok()) return position.status();
  const int size = PageSize(request.page_size());

  const pqxx::result rows = session_.Run(
      kAlerts, InstantText(position->as_of), ArrayOrNull(request.device_ids()),
      ArrayOrNull(request.technician_ids()), position->rank, position->due, position->id, size + 1);
  v1::ListAlertsResponse response;
  *response.mutable_as_of() = position->as_of;
  auto& alerts = *response.mutable_alerts();
  if (FillPage(rows, size, alerts, AlertFrom)) {
    const Row last(rows[alerts.size() - 1]);
    response.set_next_page_token(EncodePageToken(
        request, {InstantKey(response.as_of()), absl::StrCat(last.Int(kRankColumn)),
                  InstantKey(last.Instant(kDueColumn)), absl::StrCat(last.Int(0))}));
  }
  return response;
}

StatementList MaintenanceAlertStatements() {
  static constexpr const Statement* kAll[] = {&kAlerts, &kNow};
  return kAll;
}

}  // namespace aquifer
