// Which chats a run has still to reach.
#include <absl/strings/numbers.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "repositories/array.h"
#include "repositories/delivery_state.h"
#include "repositories/errors.h"
#include "repositories/job_repository.h"
#include "repositories/job_run_row.h"
#include "repositories/page.h"
#include "repositories/statements.h"
#include "repositories/worker_row.h"

namespace aquifer {
namespace {

constexpr Statement kReadRun = {"deliveries.read_run", R"sql(
SELECT run.id, run.attempt, run.state = 'running'
FROM aquifer.job_runs AS run
WHERE run.job = $1::text
  AND run.key = $2::text
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

}  // namespace

absl::StatusOr<v1::ListUndeliveredResponse> JobRepository::ListUndelivered(
    const v1::ListUndeliveredRequest& request) {
  const auto token = DecodePageToken(request, request.page_token(), 1);
  if (!token.ok()) return token.status();
  std::optional<std::int64_t> after;
  if (*token && !absl::SimpleAtoi((**token)[0], &after.emplace())) return PageTokenMismatch();
  const pqxx::result runs = session_.Run(kReadRun, request.job(), request.key());
  if (runs.empty()) return JobRunNotFound(request);
  const Row run(runs[0]);
  const std::int64_t run_id = run.Int(0);
  const auto attempt = run.Bool(2) ? std::optional(run.Int(1)) : std::nullopt;
  const std::int32_t page_size = PageSize(request.page_size());

  // One more than the page, to know whether there is another.
  const pqxx::result rows =
      request.chat_ids().empty()
          ? session_.Run(kUndeliveredWorkers, run_id, attempt, request.resend_in_doubt(), after,
                         page_size + 1)
          : session_.Run(kUndeliveredChats, run_id, attempt, request.resend_in_doubt(), after,
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
  static constexpr const Statement* kAll[] = {&kReadRun, &kUndeliveredWorkers, &kUndeliveredChats};
  return kAll;
}

}  // namespace aquifer
