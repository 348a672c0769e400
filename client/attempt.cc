#include "client/attempt.h"

#include "client/wire_status.h"

namespace aquifer::client {
namespace {

constexpr char kCallIdKey[] = "x-request-id";
constexpr char kReceiptKey[] = "aquifer-receipt";
constexpr char kReplayedKey[] = "aquifer-replayed";
constexpr char kPushbackKey[] = "grpc-retry-pushback-ms";

}  // namespace

Attempt::Attempt(const std::string& method, int number, absl::Time deadline,
                 const CallOptions& options, CallTracer* tracer)
    : number_(number), report_(options.report) {
  context_.set_deadline(absl::ToChronoTime(deadline));
  Metadata metadata = options.metadata;
  if (!options.call_id.empty()) metadata.emplace_back(kCallIdKey, options.call_id);
  if (tracer != nullptr) span_ = tracer->Begin({.method = method, .number = number}, metadata);
  for (const auto& [key, value] : metadata) context_.AddMetadata(key, value);
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
                .receipt = Trailer(kReceiptKey).value_or("")};
  }
  return result;
}

}  // namespace aquifer::client
