// Which chats a run has reached: one row a run and chat, whose key decides every race.
#include <absl/strings/numbers.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "repositories/array.h"
#include "repositories/errors.h"
#include "repositories/job_repository.h"
#include "repositories/job_run_row.h"
#include "repositories/page.h"
#include "repositories/statements.h"
#include "repositories/worker_row.h"

namespace aquifer {
namespace {

#define AQUIFER_RUN_OF_DELIVERIES(lease_token)          \
  "SELECT run.id, run.attempt, run.state, " lease_token \
  "FROM aquifer.job_runs AS run "                       \
  "WHERE run.job = $1::text "                           \
  "AND run.key = $2::text "

// The lock makes a take-over wait, so that whoever took over sees every claim of the lease before.
constexpr Statement kLockRun = {
    "deliveries.lock_run", AQUIFER_RUN_OF_DELIVERIES("run.lease_token = $3::text ") "FOR SHARE"};
constexpr Statement kReadRun = {"deliveries.read_run", AQUIFER_RUN_OF_DELIVERIES("false ")};

// A row only if something changed, and whether it is new: an updated row carries the lock that ON
// CONFLICT took in xmax. $6 whether to claim what an earlier lease left in doubt.
constexpr Statement kRecord = {"deliveries.record", R"sql(
INSERT INTO aquifer.deliveries AS delivery (run_id, chat_id, state, attempt, error)
VALUES ($1::bigint, $2::bigint, $3::text, $4::integer, $5::text)
ON CONFLICT (run_id, chat_id) DO UPDATE
SET state = excluded.state,
    attempt = excluded.attempt,
    error = excluded.error,
    recorded_at = now()
WHERE CASE delivery.state
  WHEN 'sent' THEN false
  WHEN 'failed' THEN (excluded.state, excluded.error) <> (delivery.state, delivery.error)
  ELSE excluded.state <> 'claimed'
    OR $6::boolean AND delivery.attempt < excluded.attempt
END
RETURNING delivery.state, delivery.attempt, delivery.recorded_at,
  delivery.xmax = 0
)sql"};

constexpr Statement kRead = {"deliveries.read", R"sql(
SELECT delivery.state, delivery.attempt, delivery.recorded_at
FROM aquifer.deliveries AS delivery
WHERE delivery.run_id = $1::bigint
  AND delivery.chat_id = $2::bigint
)sql"};

// $1 the run, $2 its attempt if it goes on, else NULL, $3 whether those in doubt count as not
// delivered, $4 the chat to go on after or NULL, $5 how many. A claim is in doubt unless the lease
// that goes on made it.
// clang-format off
#define AQUIFER_UNDELIVERED(recipients)                                                          \
  "SELECT recipient.chat_id, recipient.worker_id, COALESCE(delivery.state, ''), "                \
      "COALESCE(delivery.error, '') "                                                            \
  "FROM (" recipients ") AS recipient "                                                          \
  "LEFT JOIN aquifer.deliveries AS delivery "                                                    \
      "ON delivery.run_id = $1::bigint AND delivery.chat_id = recipient.chat_id "                \
  "WHERE recipient.chat_id > COALESCE($4::bigint, '-9223372036854775808'::bigint) "              \
  "AND (delivery.state IS NULL "                                                                 \
      "OR delivery.state = 'failed' "                                                            \
      "OR delivery.state = 'claimed' AND $3::boolean "                                           \
          "AND delivery.attempt IS DISTINCT FROM $2::integer) "                                  \
  "ORDER BY recipient.chat_id "                                                                  \
  "LIMIT $5::bigint"
// clang-format on

// Recipients of summaries, as ListSummaryRecipients has them.
constexpr Statement kUndeliveredWorkers = {"deliveries.undelivered_workers",
                                           AQUIFER_UNDELIVERED(R"sql(
  SELECT worker.chat_id, worker.id AS worker_id
  FROM aquifer.workers AS worker
  WHERE )sql" AQUIFER_GETS_SUMMARIES("worker"))};
// The chats $6.
constexpr Statement kUndeliveredChats = {"deliveries.undelivered_chats", AQUIFER_UNDELIVERED(R"sql(
  SELECT DISTINCT given.chat_id, COALESCE(worker.id, 0) AS worker_id
  FROM unnest($6::bigint[]) AS given (chat_id)
  LEFT JOIN aquifer.workers AS worker ON worker.chat_id = given.chat_id
)sql")};

absl::string_view DeliveryStateText(v1::DeliveryState state) {
  switch (state) {
    case v1::DELIVERY_STATE_SENT:
      return "sent";
    case v1::DELIVERY_STATE_FAILED:
      return "failed";
    default:
      return "claimed";
  }
}

v1::DeliveryState DeliveryStateFrom(absl::string_view text) {
  if (text == "claimed") return v1::DELIVERY_STATE_CLAIMED;
  if (text == "sent") return v1::DELIVERY_STATE_SENT;
  if (text == "failed") return v1::DELIVERY_STATE_FAILED;
  return v1::DELIVERY_STATE_UNSPECIFIED;
}

// What deliveries ask of their run.
struct DeliveringRun {
  std::int64_t id = 0;
  std::int64_t attempt = 0;
  bool running = false;
  bool is_mine = false;
};

DeliveringRun RunFrom(const pqxx::row& fields) {
  const Row row(fields);
  return {row.Int(0), row.Int(1), row.Text(2) == "running", row.Bool(3)};
}

// What the proto's rules and the lease have against the request.
absl::Status CheckMayRecord(const v1::RecordDeliveryRequest& request, const DeliveringRun& run) {
  if (request.state() == v1::DELIVERY_STATE_SENT) return absl::OkStatus();
  if (!run.is_mine) return LeaseLost(request);
  if (request.state() == v1::DELIVERY_STATE_CLAIMED && !run.running) return JobRunFinished(request);
  return absl::OkStatus();
}

void DeliveryFrom(const Row& row, std::int64_t chat_id, v1::Delivery& delivery) {
  delivery.set_chat_id(chat_id);
  delivery.set_state(DeliveryStateFrom(row.Text(0)));
  delivery.set_attempt(static_cast<std::int32_t>(row.Int(1)));
  *delivery.mutable_recorded_at() = row.Instant(2);
}

}  // namespace

absl::StatusOr<v1::RecordDeliveryResponse> JobRepository::RecordDelivery(
    const v1::RecordDeliveryRequest& request) {
  if (!request.error().empty() && request.state() != v1::DELIVERY_STATE_FAILED) {
    return InvalidFields({{"error", "must be empty where the state is not FAILED"}});
  }
  const pqxx::result runs =
      session_.Run(kLockRun, request.job(), request.key(), request.lease_token());
  if (runs.empty()) return JobRunNotFound(request);
  const DeliveringRun run = RunFrom(runs[0]);
  if (absl::Status status = CheckMayRecord(request, run); !status.ok()) return status;

  v1::RecordDeliveryResponse response;
  pqxx::result recorded = session_.Run(kRecord, run.id, request.chat_id(),
                                       std::string(DeliveryStateText(request.state())), run.attempt,
                                       request.error(), request.resend_in_doubt());
  if (!recorded.empty()) {
    response.set_changed(true);
    response.set_created(Row(recorded[0]).Bool(3));
  } else {
    recorded = session_.Run(kRead, run.id, request.chat_id());
  }
  DeliveryFrom(Row(recorded[0]), request.chat_id(), *response.mutable_delivery());
  response.set_may_send(request.state() == v1::DELIVERY_STATE_CLAIMED &&
                        response.delivery().state() == v1::DELIVERY_STATE_CLAIMED &&
                        response.delivery().attempt() == run.attempt);
  return response;
}

absl::StatusOr<v1::ListUndeliveredResponse> JobRepository::ListUndelivered(
    const v1::ListUndeliveredRequest& request) {
  const auto token = DecodePageToken(request, request.page_token(), 1);
  if (!token.ok()) return token.status();
  std::optional<std::int64_t> after;
  if (*token && !absl::SimpleAtoi((**token)[0], &after.emplace())) return PageTokenMismatch();
  const pqxx::result runs = session_.Run(kReadRun, request.job(), request.key());
  if (runs.empty()) return JobRunNotFound(request);
  const DeliveringRun run = RunFrom(runs[0]);
  const auto attempt = run.running ? std::optional(run.attempt) : std::nullopt;
  const std::int32_t page_size = PageSize(request.page_size());

  // One more than the page, to know whether there is another.
  const pqxx::result rows =
      request.chat_ids().empty()
          ? session_.Run(kUndeliveredWorkers, run.id, attempt, request.resend_in_doubt(), after,
                         page_size + 1)
          : session_.Run(kUndeliveredChats, run.id, attempt, request.resend_in_doubt(), after,
                         page_size + 1, ArrayOf(request.chat_ids()));
  v1::ListUndeliveredResponse response;
  for (const auto& fields : rows) {
    if (response.recipients_size() == page_size) {
      const auto& last = response.recipients(page_size - 1);
      response.set_next_page_token(EncodePageToken(request, {absl::StrCat(last.chat_id())}));
      break;
    }
    const Row row(fields);
    v1::UndeliveredRecipient& recipient = *response.add_recipients();
    recipient.set_chat_id(row.Int(0));
    recipient.set_worker_id(row.Int(1));
    recipient.set_state(DeliveryStateFrom(row.Text(2)));
    recipient.set_error(row.Text(3));
  }
  return response;
}

StatementList DeliveryStatements() {
  static constexpr const Statement* kAll[] = {
      &kLockRun, &kReadRun, &kRecord, &kRead, &kUndeliveredWorkers, &kUndeliveredChats};
  return kAll;
}

}  // namespace aquifer
