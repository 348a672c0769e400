// Reading workers: one, a list, and who receives summaries.
#include <absl/strings/ascii.h>

#include <optional>
#include <string>

#include "repositories/errors.h"
#include "repositories/page.h"
#include "repositories/position.h"
#include "repositories/statements.h"
#include "repositories/text_search.h"
#include "repositories/worker_access.h"
#include "repositories/worker_repository.h"
#include "repositories/worker_row.h"

namespace aquifer {
namespace {

constexpr Statement kGetByChat = {"workers.get_by_chat", "SELECT " AQUIFER_WORKER_COLUMNS R"sql(
FROM aquifer.workers AS w
)sql" AQUIFER_WORKER_SHIFT R"sql(
WHERE w.chat_id = $1::bigint
)sql"};

// $2 to $4 ask nothing where NULL; $5 lets deleted ones in; $6 and $7 are the search.
constexpr Statement kList = {"workers.list", "SELECT " AQUIFER_WORKER_COLUMNS R"sql(
FROM aquifer.workers AS w
)sql" AQUIFER_WORKER_SHIFT R"sql(
WHERE w.id > $1::bigint
  AND ($2::boolean IS NULL OR w.employed = $2::boolean)
  AND ($3::boolean IS NULL OR (s.id IS NOT NULL) = $3::boolean)
  AND ($4::boolean IS NULL OR w.receives_summaries = $4::boolean)
  AND ($5::boolean OR w.deleted_at IS NULL)
  AND ()sql" AQUIFER_TEXT_FOUND("$6::text", "w.name, w.phone") R"sql(
    OR strpos(regexp_replace(w.phone, '[^0-9]', '', 'g'), $7::text) > 0)
ORDER BY w.id
LIMIT $8::bigint
)sql"};

constexpr Statement kRecipients = {"workers.list_recipients", R"sql(
SELECT w.id, w.chat_id, w.name
FROM aquifer.workers AS w
WHERE w.id > $1::bigint
  AND )sql" AQUIFER_GETS_SUMMARIES("w") R"sql(
ORDER BY w.id
LIMIT $2::bigint
)sql"};

// Without the chat, which is personal.
absl::Status ChatNotFound() {
  return MakeError(Reason::kWorkerNotFound, "worker of this chat not found");
}

std::optional<bool> Asked(bool has, bool value) {
  return has ? std::optional<bool>(value) : std::nullopt;
}

// The digits of a search that is a part of a phone number, NULL of any other. Two digits would find
// nearly everybody.
std::optional<std::string> PhoneDigits(const std::string& search) {
  constexpr absl::string_view kBetweenDigits = " +-().";
  std::string digits;
  for (char c : search) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      digits += c;
    } else if (kBetweenDigits.find(c) == absl::string_view::npos) {
      return std::nullopt;
    }
  }
  return digits.size() < 3 ? std::nullopt : std::optional<std::string>(digits);
}

absl::StatusOr<v1::Worker> ReadByChat(Session& session, std::int64_t chat_id) {
  const pqxx::result rows = session.Run(kGetByChat, chat_id);
  if (rows.empty()) return ChatNotFound();
  v1::Worker worker;
  WorkerFrom(Row(rows[0]), worker);
  return worker;
}

}  // namespace

absl::StatusOr<v1::GetWorkerResponse> WorkerRepository::GetWorker(
    const v1::GetWorkerRequest& request) {
  const bool by_id = request.which_case() == v1::GetWorkerRequest::kId;
  auto worker =
      by_id ? ReadWorker(session_, request.id()) : ReadByChat(session_, request.chat_id());
  if (!worker.ok()) return worker.status();
  if (worker->has_deleted_at() && !request.include_deleted()) {
    return by_id ? WorkerNotFound(request.id()) : ChatNotFound();
  }

  v1::GetWorkerResponse response;
  *response.mutable_worker() = *std::move(worker);
  return response;
}

absl::StatusOr<v1::ListWorkersResponse> WorkerRepository::ListWorkers(
    const v1::ListWorkersRequest& request) {
  const auto after = DecodeIdPosition(request, request.page_token());
  if (!after.ok()) return after.status();
  const v1::WorkerFilter& filter = request.filter();
  const int size = PageSize(request.page_size());

  // The one beyond tells that there is a next page.
  const pqxx::result rows = session_.Run(
      kList, *after, Asked(filter.has_employed(), filter.employed()),
      Asked(filter.has_on_shift(), filter.on_shift()),
      Asked(filter.has_receives_summaries(), filter.receives_summaries()), filter.include_deleted(),
      filter.search(), PhoneDigits(filter.search()), size + 1);
  v1::ListWorkersResponse response;
  for (const auto& row : rows) {
    if (response.workers_size() == size) {
      response.set_next_page_token(EncodeIdPosition(request, response.workers(size - 1).id()));
      break;
    }
    WorkerFrom(Row(row), *response.add_workers());
  }
  return response;
}

absl::StatusOr<v1::ListSummaryRecipientsResponse> WorkerRepository::ListSummaryRecipients(
    const v1::ListSummaryRecipientsRequest& request) {
  const auto after = DecodeIdPosition(request, request.page_token());
  if (!after.ok()) return after.status();
  const int size = PageSize(request.page_size());

  v1::ListSummaryRecipientsResponse response;
  for (const auto& fields : session_.Run(kRecipients, *after, size + 1)) {
    if (response.recipients_size() == size) {
      const auto last = response.recipients(size - 1).worker_id();
      response.set_next_page_token(EncodeIdPosition(request, last));
      break;
    }
    const Row row(fields);
    v1::SummaryRecipient& recipient = *response.add_recipients();
    recipient.set_worker_id(row.Int(0));
    recipient.set_chat_id(row.Int(1));
    recipient.set_name(row.Text(2));
  }
  return response;
}

StatementList WorkerReadStatements() {
  static constexpr const Statement* kAll[] = {&kGetByChat, &kList, &kRecipients};
  return kAll;
}

}  // namespace aquifer
