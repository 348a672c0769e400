#include "client/request_id.h"

#include <absl/random/random.h>
#include <absl/strings/str_format.h>

namespace aquifer::client {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string NewRequestId() {
  thread_local absl::BitGen random;
  const auto high = absl::Uniform<std::uint64_t>(random);
  const auto low = absl::Uniform<std::uint64_t>(random);
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%012x", high >> 32, (high >> 16) & 0xFFFF,
                         high & 0xFFF, 0x8000 | (low >> 48 & 0x3FFF), low & 0xFFFFFFFFFFFF);
}

std::unique_ptr<Message> WithRequestId(const v1::MethodPolicy& policy, const Message& request) {
  if (policy.idempotence() != v1::IDEMPOTENCE_GUARDED &&
      policy.idempotence() != v1::IDEMPOTENCE_BY_REQUEST_ID) {
    return nullptr;
  }
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr || !request.GetReflection()->GetString(request, field).empty()) {
    return nullptr;
  }
  std::unique_ptr<Message> copy(request.New());
  copy->CopyFrom(request);
  copy->GetReflection()->SetString(copy.get(), field, NewRequestId());
  return copy;
}

}  // namespace aquifer::client
