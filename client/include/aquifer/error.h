// What an error of the service says beside its code and message.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aquifer::client {

// One refused field of the request.
struct FieldError {
  // Its path, such as "lines[3].device_id".
  std::string field;
  // What is allowed there.
  std::string description;
};

struct ErrorDetails {
  // One of the README's table of errors, such as "COLLECTION_NOT_FOUND". Empty if the error is not
  // the service's: then nobody answered.
  std::string reason;
  // Every refused field, with INVALID_FIELDS.
  std::vector<FieldError> fields;
  // What the reason has to tell: `remedy` always, others where they help.
  std::map<std::string, std::string> metadata;
  // When to try again; only where that can help.
  std::optional<absl::Duration> retry_after;
  // The call's name in the server's log.
  std::string call_id;
};

// The details that `status` carries, of a call of this library or of a stub over its channel.
ErrorDetails DetailsOf(const absl::Status& status);

// Its reason alone: `if (ReasonOf(answer.status()) == "STALE_VERSION")`.
std::string ReasonOf(const absl::Status& status);

// An error as the service makes it, for tests; DetailsOf reads the same details back. A
// `retry_after` makes callers try again.
absl::Status ErrorWith(absl::StatusCode code, absl::string_view message,
                       const ErrorDetails& details);

}  // namespace aquifer::client
