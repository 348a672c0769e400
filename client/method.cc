#include "aquifer/method.h"

#include "client/caller.h"
#include "client/methods.h"

namespace aquifer::client {

MethodBase::MethodBase(const Caller& caller, const google::protobuf::Descriptor& request)
    : caller_(&caller), method_(MethodOf(request)) {}

absl::Status MethodBase::Call(const google::protobuf::Message& request,
                              google::protobuf::Message& response,
                              const CallOptions& options) const {
  return caller_->Call(Called(*method_), request, response, options);
}

}  // namespace aquifer::client
