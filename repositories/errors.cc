#include "repositories/errors.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "google/rpc/error_details.pb.h"

namespace aquifer {
namespace {

using absl::StatusCode;

constexpr ErrorEntry kCatalogue[] = {
    {Reason::kInvalidFields, "INVALID_FIELDS", StatusCode::kInvalidArgument, Retry::kNever,
     "A field of the request breaks its rules; BadRequest names each one.",
     "Correct the named fields."},
    {Reason::kMessageUnreadable, "MESSAGE_UNREADABLE", StatusCode::kInvalidArgument, Retry::kNever,
     "The request is not the method's message, or holds text that is not UTF-8.",
     "Send the message the method takes, with texts in UTF-8."},
    {Reason::kMessageTooLarge, "MESSAGE_TOO_LARGE", StatusCode::kInvalidArgument, Retry::kNever,
     "The request has more bytes than the server takes.",
     "Send less in one call, or import by a stream of smaller messages."},
    {Reason::kPageTokenMismatch, "PAGE_TOKEN_MISMATCH", StatusCode::kInvalidArgument, Retry::kNever,
     "The page token was made for another filter or order, or was altered.",
     "Repeat the request that made the token, changing only page_size and page_token."},
    {Reason::kRequestIdReused, "REQUEST_ID_REUSED", StatusCode::kFailedPrecondition, Retry::kNever,
     "The request_id was used before, for another method or other content.",
     "Make a new UUID for each write, and keep it only to repeat that write."},
    {Reason::kResponseTooLarge, "RESPONSE_TOO_LARGE", StatusCode::kFailedPrecondition,
     Retry::kNever, "The answer is larger than the ledger of requests keeps; nothing was written.",
     "Ask for less in one call."},
    {Reason::kCollectionNotFound, "COLLECTION_NOT_FOUND", StatusCode::kNotFound, Retry::kNever,
     "There is no such collection line.", "Check the id, or the device and the instant."},
    {Reason::kCollectorAliasNotFound, "COLLECTOR_ALIAS_NOT_FOUND", StatusCode::kNotFound,
     Retry::kNever, "The collector text is not mapped to a worker.",
     "ListCollectorTexts shows the texts and their workers."},
    {Reason::kWorkerNotFound, "WORKER_NOT_FOUND", StatusCode::kNotFound, Retry::kNever,
     "There is no such worker.", "Check the worker id."},
    {Reason::kWorkerDeleted, "WORKER_DELETED", StatusCode::kFailedPrecondition, Retry::kNever,
     "The worker was deleted.", "Register the worker's chat again, or choose another worker."},
    {Reason::kWorkerHasHistory, "WORKER_HAS_HISTORY", StatusCode::kFailedPrecondition,
     Retry::kNever, "Shifts or collector texts refer to the worker; metadata counts them.",
     "Delete the worker softly, or map the collector texts to another worker first."},
    {Reason::kWorkerOnShift, "WORKER_ON_SHIFT", StatusCode::kFailedPrecondition, Retry::kNever,
     "The worker has a shift that has not ended.", "End that shift first."},
    {Reason::kWorkerNotOnShift, "WORKER_NOT_ON_SHIFT", StatusCode::kFailedPrecondition,
     Retry::kNever, "The worker has no shift under way.", "Start a shift first."},
    {Reason::kDialogueStateChanged, "DIALOGUE_STATE_CHANGED", StatusCode::kAborted, Retry::kNever,
     "The conversation no longer stands where the caller expected.",
     "Read the worker again, and decide again from there."},
    {Reason::kChatTaken, "CHAT_TAKEN", StatusCode::kAlreadyExists, Retry::kNever,
     "The chat is another worker's, perhaps a deleted one's; metadata has the id.",
     "Use that worker, or set another chat there first."},
    {Reason::kJobRunNotFound, "JOB_RUN_NOT_FOUND", StatusCode::kNotFound, Retry::kNever,
     "The job was never begun for this key.", "Check the job and the key, or begin the run."},
    {Reason::kTaskNotFound, "TASK_NOT_FOUND", StatusCode::kNotFound, Retry::kNever,
     "There is no such maintenance task.", "Check the task id."},
    {Reason::kMachineNotFound, "MACHINE_NOT_FOUND", StatusCode::kNotFound, Retry::kNever,
     "There is no such machine.", "Check the device id, or register it with UpsertMachines."},
    {Reason::kTechnicianNotFound, "TECHNICIAN_NOT_FOUND", StatusCode::kNotFound, Retry::kNever,
     "There is no such technician.", "Check the technician id."},
    {Reason::kStaleVersion, "STALE_VERSION", StatusCode::kAborted, Retry::kNever,
     "The row changed since the caller read it.",
     "Read it again, decide again, and send the version just read."},
    {Reason::kCountMismatch, "COUNT_MISMATCH", StatusCode::kFailedPrecondition, Retry::kNever,
     "The filter selects another number of lines than expected.",
     "Do a dry run, look at the number, and send it as expected_count."},
    {Reason::kTooManyLines, "TOO_MANY_LINES", StatusCode::kFailedPrecondition, Retry::kNever,
     "The filter selects more lines than one call may delete.", "Narrow the filter."},
    {Reason::kLeaseLost, "LEASE_LOST", StatusCode::kFailedPrecondition, Retry::kNever,
     "The lease ended in a failure, or ran out and another took the run over.",
     "Stop the work; to try again, begin the run with a new lease_token."},
    {Reason::kJobRunFinished, "JOB_RUN_FINISHED", StatusCode::kFailedPrecondition, Retry::kNever,
     "The run is finished, with another outcome or result where one was sent.",
     "Stop the work; BeginJobRun answers how it ended."},
    {Reason::kIllegalTransition, "ILLEGAL_TRANSITION", StatusCode::kFailedPrecondition,
     Retry::kNever, "A task does not move from its state to that one.",
     "Move it to one of the states that metadata names as allowed."},
    {Reason::kQueueFull, "QUEUE_FULL", StatusCode::kResourceExhausted, Retry::kSafe,
     "More calls wait than the server queues, or more of one caller than its share.",
     "Wait the advised delay; if it lasts, raise pool_max, queue_capacity or queue_share_percent."},
    {Reason::kQueueTooLong, "QUEUE_TOO_LONG", StatusCode::kResourceExhausted, Retry::kSafe,
     "The calls that wait already take longer than this one has time, or queue_patience_ms passed.",
     "Wait the advised delay, or give the call more time; if it lasts, raise pool_max."},
    {Reason::kTooManyStreams, "TOO_MANY_STREAMS", StatusCode::kResourceExhausted, Retry::kSafe,
     "More streams are open than the server keeps.",
     "Wait the advised delay; if it lasts, end streams sooner or raise max_streams."},
    {Reason::kPoolExhausted, "POOL_EXHAUSTED", StatusCode::kResourceExhausted, Retry::kSafe,
     "No database connection came free in time.",
     "Wait the advised delay; if it lasts, raise pool_max or find the slow statement."},
    {Reason::kDeadlineExceeded, "DEADLINE_EXCEEDED", StatusCode::kDeadlineExceeded,
     Retry::kIfIdempotent, "The deadline passed before the answer was ready.",
     "Allow more time, or ask for less."},
    {Reason::kCancelled, "CANCELLED", StatusCode::kCancelled, Retry::kIfIdempotent,
     "The caller left.", "None needed."},
    {Reason::kShuttingDown, "SHUTTING_DOWN", StatusCode::kUnavailable, Retry::kSafe,
     "The server is stopping.", "Call another instance, or this one after its restart."},
    {Reason::kDatabaseUnavailable, "DATABASE_UNAVAILABLE", StatusCode::kUnavailable, Retry::kSafe,
     "The database cannot be reached, or closed the connection.",
     "Wait the advised delay; the server reconnects by itself."},
    {Reason::kDatabaseRefused, "DATABASE_REFUSED", StatusCode::kUnavailable, Retry::kNever,
     "The database refuses the server's user, password or privileges.",
     "Check database_url and the grants of its role."},
    {Reason::kSettingRefused, "SETTING_REFUSED", StatusCode::kFailedPrecondition, Retry::kNever,
     "The database does not know the time zone, or refuses another setting of the session.",
     "Correct time_zone, or the options in database_url."},
    {Reason::kDatabaseFull, "DATABASE_FULL", StatusCode::kResourceExhausted, Retry::kNever,
     "The database has no disk space, memory or lock space left.", "Free or add space."},
    {Reason::kSchemaMismatch, "SCHEMA_MISMATCH", StatusCode::kFailedPrecondition, Retry::kNever,
     "A table, column or function the server needs is not there.",
     "Run aquifer-server migrate up."},
    {Reason::kTransactionConflict, "TRANSACTION_CONFLICT", StatusCode::kAborted, Retry::kSafe,
     "Concurrent transactions collided more often than the server retries.",
     "Wait the advised delay and call again; nothing was written."},
    {Reason::kConstraintViolated, "CONSTRAINT_VIOLATED", StatusCode::kFailedPrecondition,
     Retry::kNever, "The write would break a rule of the database; metadata names it.",
     "Correct the request to keep the named constraint."},
    {Reason::kCommitInDoubt, "COMMIT_IN_DOUBT", StatusCode::kUnavailable, Retry::kIfIdempotent,
     "The connection broke while a commit was under way, and its outcome stayed unknown.",
     "Repeat the call if its method is safe to repeat; else read back what it wrote."},
    {Reason::kInternal, "INTERNAL", StatusCode::kInternal, Retry::kNever,
     "A fault of the server; its log has the cause under the request id.",
     "Report it with the request id."},
};

// Details travel in a trailer, and most clients refuse trailers beyond 8 KiB.
constexpr std::size_t kMostViolationsNamed = 20;

constexpr absl::string_view kTypePrefix = "type.googleapis.com/";

template <typename Detail>
std::string TypeUrl() {
  return absl::StrCat(kTypePrefix, Detail::descriptor()->full_name());
}

// The detail of that type; an empty one where there is none.
template <typename Detail>
Detail DetailOf(const absl::Status& status) {
  Detail detail;
  if (const auto payload = status.GetPayload(TypeUrl<Detail>())) {
    detail.ParseFromString(std::string(*payload));
  }
  return detail;
}

template <typename Detail>
void SetDetail(absl::Status& status, const Detail& detail) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

}  // namespace

absl::Span<const ErrorEntry> ErrorCatalogue() { return kCatalogue; }

const ErrorEntry& EntryOf(Reason reason) { return kCatalogue[static_cast<std::size_t>(reason)]; }

absl::Status MakeError(Reason reason, absl::string_view message, const ErrorMetadata& metadata) {
  const ErrorEntry& entry = EntryOf(reason);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(entry.name));
  info.set_domain("aquifer");
  (*info.mutable_metadata())["remedy"] = std::string(entry.remedy);
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  absl::Status status(entry.code, message);
  SetDetail(status, info);
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  return DetailOf<google::rpc::ErrorInfo>(status).reason();
}

void SetRetryDelay(absl::Status& status, absl::Duration delay) {
  google::rpc::RetryInfo retry;
  std::int64_t seconds = absl::IDivDuration(delay, absl::Seconds(1), &delay);
  retry.mutable_retry_delay()->set_seconds(seconds);
  retry.mutable_retry_delay()->set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(delay)));
  SetDetail(status, retry);
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  google::rpc::RetryInfo retry;
  const auto payload = status.GetPayload(TypeUrl<google::rpc::RetryInfo>());
  if (!payload || !retry.ParseFromString(std::string(*payload))) return std::nullopt;
  return absl::Seconds(retry.retry_delay().seconds()) +
         absl::Nanoseconds(retry.retry_delay().nanos());
}

absl::Status InvalidFields(const std::vector<FieldViolation>& violations) {
  const auto named = absl::MakeConstSpan(violations).subspan(0, kMostViolationsNamed);
  google::rpc::BadRequest details;
  for (const FieldViolation& violation : named) {
    auto* detail = details.add_field_violations();
    detail->set_field(violation.field);
    detail->set_description(violation.description);
  }
  std::string message =
      absl::StrJoin(named, "; ", [](std::string* out, const FieldViolation& violation) {
        absl::StrAppend(out, violation.field, " ", violation.description);
      });
  ErrorMetadata metadata;
  if (const std::size_t more = violations.size() - named.size(); more > 0) {
    message = absl::StrCat(more, " more fields are bad beside these: ", message);
    metadata.emplace_back("more_violations", absl::StrCat(more));
  }
  absl::Status status = MakeError(Reason::kInvalidFields, message, metadata);
  SetDetail(status, details);
  return status;
}

absl::Status ErrorOfWrite(const absl::Status& error, int index, absl::string_view prefix) {
  if (error.ok()) return error;
  absl::Status status(error.code(), absl::StrCat("write ", index, ": ", error.message()));
  error.ForEachPayload(
      [&](absl::string_view type, const absl::Cord& payload) { status.SetPayload(type, payload); });
  auto info = DetailOf<google::rpc::ErrorInfo>(error);
  (*info.mutable_metadata())["write_index"] = absl::StrCat(index);
  SetDetail(status, info);
  auto details = DetailOf<google::rpc::BadRequest>(error);
  if (details.field_violations().empty()) return status;
  for (auto& violation : *details.mutable_field_violations()) {
    violation.set_field(absl::StrCat(prefix, violation.field()));
  }
  SetDetail(status, details);
  return status;
}

absl::Status CollectionNotFound(std::int64_t id) {
  return MakeError(Reason::kCollectionNotFound, absl::StrCat("collection ", id, " not found"),
                   {{"id", absl::StrCat(id)}});
}

absl::Status PageTokenMismatch() {
  return MakeError(Reason::kPageTokenMismatch, "page_token does not belong to this request");
}

absl::Status StaleVersion(absl::string_view resource, const absl::AlphaNum& id, std::int64_t sent,
                          std::int64_t current) {
  return MakeError(
      Reason::kStaleVersion,
      absl::StrCat(resource, " ", id, " has version ", current, ", not ", sent),
      {{"id", absl::StrCat(id)}, {"sent", absl::StrCat(sent)}, {"current", absl::StrCat(current)}});
}

absl::Status WorkerNotFound(std::int64_t id) {
  return MakeError(Reason::kWorkerNotFound, absl::StrCat("worker ", id, " not found"),
                   {{"id", absl::StrCat(id)}});
}

absl::Status TaskNotFound(std::int64_t id) {
  return MakeError(Reason::kTaskNotFound, absl::StrCat("task ", id, " not found"),
                   {{"id", absl::StrCat(id)}});
}

absl::Status MachineNotFound(absl::string_view device_id) {
  return MakeError(Reason::kMachineNotFound, absl::StrCat("machine ", device_id, " not found"),
                   {{"device_id", std::string(device_id)}});
}

absl::Status TechnicianNotFound(std::int64_t id) {
  return MakeError(Reason::kTechnicianNotFound, absl::StrCat("technician ", id, " not found"),
                   {{"id", absl::StrCat(id)}});
}

absl::Status WorkerDeleted(std::int64_t id) {
  return MakeError(Reason::kWorkerDeleted, absl::StrCat("worker ", id, " is deleted"),
                   {{"id", absl::StrCat(id)}});
}

absl::Status WorkerOnShift(std::int64_t id) {
  return MakeError(Reason::kWorkerOnShift, absl::StrCat("worker ", id, " is on shift"),
                   {{"id", absl::StrCat(id)}});
}

}  // namespace aquifer
