#include "server/rpc/method.h"

#include <absl/strings/str_cat.h>

#include <utility>

namespace aquifer {
namespace {

using google::protobuf::FieldDescriptor;

// A field of the request that every method means the same by.
const FieldDescriptor* Find(const Message& request, const char* name,
                            FieldDescriptor::CppType type) {
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName(name);
  const bool fits = field != nullptr && !field->is_repeated() && field->cpp_type() == type;
  return fits ? field : nullptr;
}

bool IsWhole(const v1::MethodPolicy& policy) {
  return policy.access() != v1::ACCESS_UNSPECIFIED &&
         policy.transaction() != v1::TRANSACTION_UNSPECIFIED &&
         policy.idempotence() != v1::IDEMPOTENCE_UNSPECIFIED &&
         policy.priority() != v1::PRIORITY_UNSPECIFIED && policy.default_deadline_ms() > 0;
}

bool NeedsRequestId(const v1::MethodPolicy& policy) {
  return policy.idempotence() == v1::IDEMPOTENCE_GUARDED ||
         policy.idempotence() == v1::IDEMPOTENCE_BY_REQUEST_ID;
}

// What keeps a method from being repeated by its request_id; empty if nothing does.
absl::string_view ObstacleToRepeats(const Method& method) {
  if (method.request_id == nullptr) return "lacks the field string request_id in its request";
  if (method.policy.transaction() != v1::TRANSACTION_READ_WRITE) {
    return "has a request_id and does not write";
  }
  if (!method.handler.transact || method.descriptor.client_streaming()) {
    return "has a request_id and is not one request with one answer";
  }
  return "";
}

// What keeps a method from committing statement by statement, or from being joined; empty if
// nothing does.
absl::string_view ObstacleToJoining(const Method& method) {
  const v1::MethodPolicy& policy = method.policy;
  const bool safe_by_key = policy.idempotence() == v1::IDEMPOTENCE_READ ||
                           policy.idempotence() == v1::IDEMPOTENCE_BY_KEY;
  if (policy.implicit_transaction() && !safe_by_key) {
    return "must be safe by its key to run without a transaction";
  }
  if ((policy.max_joined() > 0) != (method.handler.join != nullptr)) {
    return "must be joined both in its policy and in its service";
  }
  if (policy.max_joined() > 0 && !safe_by_key) return "must be safe by its key to be joined";
  return "";
}

}  // namespace

Method::Method(const google::protobuf::MethodDescriptor& method, const Message& request_prototype,
               const Message& response_prototype, Handler run)
    : descriptor(method),
      policy(method.options().GetExtension(v1::policy)),
      path(absl::StrCat("/", method.service()->full_name(), "/", method.name())),
      name(absl::StrCat(method.service()->name(), ".", method.name())),
      request(request_prototype),
      response(response_prototype),
      handler(std::move(run)),
      request_id(Find(request_prototype, "request_id", FieldDescriptor::CPPTYPE_STRING)),
      dry_run(Find(request_prototype, "dry_run", FieldDescriptor::CPPTYPE_BOOL)) {}

absl::Status CheckPolicy(const Method& method) {
  absl::string_view fault;
  if (!IsWhole(method.policy)) {
    fault = "lacks a part of its policy";
  } else if (NeedsRequestId(method.policy)) {
    fault = ObstacleToRepeats(method);
    if (fault.empty()) fault = ObstacleToJoining(method);
  } else if (method.request_id != nullptr) {
    fault = "has a request_id that nothing would read";
  } else {
    fault = ObstacleToJoining(method);
  }
  if (fault.empty()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(method.descriptor.full_name(), " ", fault));
}

}  // namespace aquifer
