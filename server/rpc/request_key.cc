#include "server/rpc/request_key.h"

#include <absl/strings/ascii.h>

#include "repositories/fingerprint.h"

namespace aquifer {
namespace {

// Empty if the method has no such field, or the request leaves it out.
std::string RequestIdIn(const Method& method, const Message& request) {
  if (method.request_id == nullptr) return "";
  return request.GetReflection()->GetString(request, method.request_id);
}

}  // namespace

void CheckRequestId(const Method& method, const Message& request,
                    std::vector<FieldViolation>& violations) {
  const std::string id = RequestIdIn(method, request);
  if (id.empty() || IsRequestId(id)) return;
  violations.push_back({"request_id", "must be a UUID, and not that of zeros"});
}

std::optional<RequestKey> RequestKeyOf(const Method& method, const Message& request) {
  const std::string id = RequestIdIn(method, request);
  if (id.empty()) return std::nullopt;
  if (method.dry_run && request.GetReflection()->GetBool(request, method.dry_run)) {
    return std::nullopt;
  }
  return RequestKey{.request_id = absl::AsciiStrToLower(id),
                    .method = method.name,
                    .fingerprint = FingerprintOf(request, {"request_id"})};
}

}  // namespace aquifer
