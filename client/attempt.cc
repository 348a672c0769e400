#include "client/attempt.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "client/wire_status.h"

namespace aquifer::client {
namespace {

constexpr char kCallIdKey[] = "x-request-id";
constexpr char kReceiptKey[] = "aquifer-receipt";
constexpr char kReplayedKey[] = "aquifer-replayed";
constexpr char kPushbackKey[] = "grpc-retry-pushback-ms";
constexpr char kCallerKey[] = "aquifer-caller";
constexpr char kPriorityKey[] = "aquifer-priority";
constexpr char kConsistencyKey[] = "aquifer-consistency";
constexpr char kWantTokenKey[] = "aquifer-want-token";
constexpr char kTokenKey[] = "aquifer-token";
constexpr char kBatch[] = "batch";

bool IsKey(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' || c == '.';
  });
}

bool IsValue(const std::string& text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isprint);
}

}  // namespace

Attempt::Attempt(const std::string& method, int number, absl::Time deadline,
                 const CallOptions& options, const ConnectOptions& connection)
    : number_(number), report_(options.report) {
  context_.set_deadline(absl::ToChronoTime(deadline));
  Metadata metadata = options.metadata;
  if (!options.call_id.empty()) metadata.emplace_back(kCallIdKey, options.call_id);
  if (!connection.caller.empty()) metadata.emplace_back(kCallerKey, connection.caller);
  if (options.urgency == Urgency::kBulk) metadata.emplace_back(kPriorityKey, kBatch);
  if (!options.consistency.empty()) metadata.emplace_back(kConsistencyKey, options.consistency);
  if (options.want_token) metadata.emplace_back(kWantTokenKey, "true");
  if (connection.tracer != nullptr) {
    span_ = connection.tracer->Begin({.method = method, .number = number}, metadata);
  }
  for (const auto& [key, value] : metadata) {
    if (IsKey(key) && (IsValue(value) || absl::EndsWith(key, "-bin"))) {
      context_.AddMetadata(key, value);
    } else {
      fitness_ = absl::InvalidArgumentError(
          absl::StrCat("the metadata ", absl::CHexEscape(key), " cannot travel in a header"));
    }
  }
  if (!fitness_.ok() && span_ != nullptr) span_->End(fitness_);
}

std::optional<std::string> Attempt::Trailer(const char* name) const {
  const auto& trailers = context_.GetServerTrailingMetadata();
  const auto found = trailers.find(name);
  if (found == trailers.end()) return std::nullopt;
  return std::string(found->second.data(), found->second.size());
}

std::optional<std::string> Attempt::Pushback() const { return Trailer(kPushbackKey); }

absl::Status Attempt::End(const grpc::Status& status) {
  absl::Status result = FromGrpc(status);
  if (span_ != nullptr) span_->End(result);
  if (report_ != nullptr) {
    *report_ = {.call_id = Trailer(kCallIdKey).value_or(""),
                .tries = number_,
                .replayed = Trailer(kReplayedKey) == "true",
                .receipt = Trailer(kReceiptKey).value_or(""),
                .token = Trailer(kTokenKey).value_or("")};
  }
  return result;
}

}  // namespace aquifer::client
