// The catalogue of errors. Every reason Aquifer ever sends stands here once, with its code, its
// cause and its remedy; the table in the README is made from it.
//
// An error is an absl::Status that carries google.rpc details as payloads; the RPC path adds the
// request id and sends them all in `grpc-status-details-bin`.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <absl/types/span.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace aquifer {

enum class Reason {
  kInvalidFields,
  kMessageUnreadable,
  kMessageTooLarge,
  kPageTokenMismatch,
  kRequestIdReused,
  kResponseTooLarge,
  kCollectionNotFound,
  kCollectorAliasNotFound,
  kWorkerNotFound,
  kWorkerDeleted,
  kWorkerHasHistory,
  kWorkerOnShift,
  kWorkerNotOnShift,
  kDialogueStateChanged,
  kChatTaken,
  kJobRunNotFound,
  kTaskNotFound,
  kMachineNotFound,
  kTechnicianNotFound,
  kStaleVersion,
  kCountMismatch,
  kTooManyLines,
  kLeaseLost,
  kJobRunFinished,
  kIllegalTransition,
  kQueueFull,
  kQueueTooLong,
  kTooManyStreams,
  kPoolExhausted,
  kDeadlineExceeded,
  kCancelled,
  kShuttingDown,
  kDatabaseUnavailable,
  kDatabaseRefused,
  kSettingRefused,
  kDatabaseFull,
  kSchemaMismatch,
  kTransactionConflict,
  kConstraintViolated,
  kCommitInDoubt,
  kInternal,
};

// Whether calling again can help.
enum class Retry {
  // The same call fails again.
  kNever,
  // Nothing was done; call again after the advised delay.
  kSafe,
  // It may have been done; call again only if the method is safe to repeat.
  kIfIdempotent,
};

struct ErrorEntry {
  Reason reason;
  absl::string_view name;
  absl::StatusCode code;
  Retry retry;
  absl::string_view cause;
  absl::string_view remedy;
};

// Every entry, in the order of Reason.
absl::Span<const ErrorEntry> ErrorCatalogue();
const ErrorEntry& EntryOf(Reason reason);

using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;

// An error of the catalogue: `message` is a short sentence with the identifying value, `metadata`
// goes into ErrorInfo beside the remedy. Neither may hold personal data.
absl::Status MakeError(Reason reason, absl::string_view message,
                       const ErrorMetadata& metadata = {});

// The name of the reason an error carries; empty if it carries none.
std::string ReasonOf(const absl::Status& status);

// Adds when to try again. Only for reasons that a retry can help.
void SetRetryDelay(absl::Status& status, absl::Duration delay);
// When an error says to try again; nothing if it does not.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

// One refused field of a request.
struct FieldViolation {
  std::string field;
  std::string description;
};

// INVALID_ARGUMENT naming every refused field, or the first 20 and how many more there are.
absl::Status InvalidFields(const std::vector<FieldViolation>& violations);

// `error` as one of write `index` of a transaction of many: ErrorInfo says which, and so does the
// message. The fields it names get `prefix`, such as "writes[9].record_collection.". OK stays OK.
absl::Status ErrorOfWrite(const absl::Status& error, int index, absl::string_view prefix = "");

// The wording of the errors that more than one place answers.
absl::Status CollectionNotFound(std::int64_t id);
absl::Status PageTokenMismatch();
// `resource` as in "worker": "worker 42 has version 3, not 2".
absl::Status StaleVersion(absl::string_view resource, const absl::AlphaNum& id, std::int64_t sent,
                          std::int64_t current);
absl::Status WorkerNotFound(std::int64_t id);
absl::Status TaskNotFound(std::int64_t id);
absl::Status MachineNotFound(absl::string_view device_id);
absl::Status TechnicianNotFound(std::int64_t id);
absl::Status WorkerDeleted(std::int64_t id);
absl::Status WorkerOnShift(std::int64_t id);

}  // namespace aquifer
