#include "repositories/request_ledger.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include "repositories/errors.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// The function, because the lock and the look need a snapshot each: one taken before the lock was
// got would not show what its last holder committed. So they take one round trip.
constexpr Statement kClaim = {"requests.claim", R"sql(
SELECT method,
       fingerprint,
       response
FROM aquifer.claim_request($1::uuid)
)sql"};

constexpr Statement kKeep = {"requests.keep", R"sql(
INSERT INTO aquifer.requests (request_id, method, fingerprint, response)
VALUES ($1::uuid, $2::text, $3::bigint, decode($4::text, 'hex'))
)sql"};

constexpr Statement kMakePartition = {"requests.make_partition", R"sql(
SELECT aquifer.make_request_partition($1::int)
)sql"};

constexpr Statement kDropPartition = {"requests.drop_partition", R"sql(
SELECT aquifer.drop_request_partition(make_interval(hours => $1::int))
)sql"};

constexpr absl::string_view kNil = "00000000-0000-0000-0000-000000000000";

// The database has no unsigned numbers.
std::int64_t Stored(std::uint64_t fingerprint) { return static_cast<std::int64_t>(fingerprint); }

absl::Status Reused(const RequestKey& key, absl::string_view first_method) {
  const bool same = first_method == key.method;
  return MakeError(Reason::kRequestIdReused,
                   absl::StrCat("request_id ", key.request_id, " was used for ",
                                same ? "other content of " : "", first_method),
                   {{"request_id", key.request_id}, {"first_method", std::string(first_method)}});
}

std::optional<std::string> NameIn(const pqxx::result& result) {
  const Row row(result[0]);
  if (row.IsNull(0)) return std::nullopt;
  return row.Text(0);
}

}  // namespace

bool IsRequestId(absl::string_view text) {
  if (text.size() != kNil.size() || text == kNil) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kNil[i] == '-' ? text[i] != '-' : !absl::ascii_isxdigit(text[i])) return false;
  }
  return true;
}

absl::StatusOr<std::optional<std::string>> RequestLedger::Claim(const RequestKey& key) {
  const pqxx::result found = session_.Run(kClaim, key.request_id);
  if (found.empty()) return std::nullopt;
  const Row row(found[0]);
  const std::string method = row.Text(0);
  if (method != key.method || row.Int(1) != Stored(key.fingerprint)) return Reused(key, method);
  return absl::HexStringToBytes(row.Text(2));
}

absl::Status RequestLedger::Keep(const RequestKey& key, absl::string_view response) {
  if (response.size() > kMostKeptBytes) {
    return MakeError(Reason::kResponseTooLarge,
                     absl::StrCat("the answer has ", response.size(),
                                  " bytes, and the ledger keeps ", kMostKeptBytes, " at most"),
                     {{"limit_bytes", absl::StrCat(kMostKeptBytes)}});
  }
  // In hexadecimal, which libpqxx 6 and 7 bind alike.
  session_.Run(kKeep, key.request_id, key.method, Stored(key.fingerprint),
               absl::BytesToHexString(response));
  return absl::OkStatus();
}

std::optional<std::string> RequestLedger::MakePartition(int days_ahead) {
  return NameIn(session_.Run(kMakePartition, days_ahead));
}

std::optional<std::string> RequestLedger::DropPartition(int keep_hours) {
  return NameIn(session_.Run(kDropPartition, keep_hours));
}

StatementList RequestLedgerStatements() {
  static constexpr const Statement* kAll[] = {&kClaim, &kKeep, &kMakePartition, &kDropPartition};
  return kAll;
}

}  // namespace aquifer
