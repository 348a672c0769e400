// The ledger of requests: the first answer of each write that carries a request_id, stored in the
// same transaction as the write, so that a repeat gets that answer and writes nothing.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "repositories/session.h"

namespace aquifer {

// The largest answer the ledger keeps. A page of a list is not written by anybody, so only an
// answer of hundreds of resources comes near.
inline constexpr std::size_t kMostKeptBytes = std::size_t{1024} * 1024;

// What identifies a write and its repeats.
struct RequestKey {
  // A UUID in lower case, chosen by the caller.
  std::string request_id;
  // "WorkerRepository.RegisterWorker"
  std::string method;
  // Of the request without its request_id.
  std::uint64_t fingerprint = 0;
};

// Whether `text` is a UUID such as "123e4567-e89b-12d3-a456-426614174000", in either case. That of
// zeros is none: it is what a caller sends that forgot to make one.
bool IsRequestId(absl::string_view text);

// The one place of the ledger's SQL. Made for one transaction.
class RequestLedger {
 public:
  explicit RequestLedger(Session& session) : session_(session) {}

  // The first answer to `key`, serialized; nothing if there is none yet, and then the caller is the
  // only one with this request_id until its transaction ends. First waits, as long as a statement
  // may, for whoever is. REQUEST_ID_REUSED if the id was used for another method or content.
  absl::StatusOr<std::optional<std::string>> Claim(const RequestKey& key);

  // Keeps the answer to what was claimed. RESPONSE_TOO_LARGE beyond kMostKeptBytes.
  absl::Status Keep(const RequestKey& key, absl::string_view response);

  // Makes the first partition missing among today's and the next `days_ahead`; its name, or nothing
  // if all are there, or another instance is at it. TRANSACTION_CONFLICT (by 55P03) if writes held
  // it up.
  std::optional<std::string> MakePartition(int days_ahead);

  // Drops the oldest partition that has nothing younger than `keep_hours`; its name, or nothing, as
  // above.
  std::optional<std::string> DropPartition(int keep_hours);

 private:
  Session& session_;
};

}  // namespace aquifer
