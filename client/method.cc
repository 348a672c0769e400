#include "aquifer/method.h"

#include <google/protobuf/descriptor.h>

#include "client/caller.h"

namespace aquifer::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

// Every method has a request of its own, in the file of its service.
const MethodDescriptor* MethodOf(const Descriptor& request) {
  const FileDescriptor& file = *request.file();
  for (int s = 0; s < file.service_count(); ++s) {
    for (int m = 0; m < file.service(s)->method_count(); ++m) {
      const MethodDescriptor* method = file.service(s)->method(m);
      if (method->input_type() == &request) return method;
    }
  }
  return nullptr;
}

}  // namespace

MethodBase::MethodBase(const Caller& caller, const Descriptor& request)
    : caller_(&caller), method_(MethodOf(request)) {}

absl::Status MethodBase::Call(const google::protobuf::Message& request,
                              google::protobuf::Message& response,
                              const CallOptions& options) const {
  return caller_->Call(Called(*method_), request, response, options);
}

}  // namespace aquifer::client
