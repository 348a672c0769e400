#include "server/rpc/method.h"

#include <absl/strings/str_cat.h>

#include <utility>

namespace aquifer {

Method::Method(const google::protobuf::MethodDescriptor& method, const Message& request_prototype,
               const Message& response_prototype, Handler run)
    : descriptor(method),
      policy(method.options().GetExtension(v1::policy)),
      path(absl::StrCat("/", method.service()->full_name(), "/", method.name())),
      name(absl::StrCat(method.service()->name(), ".", method.name())),
      request(request_prototype),
      response(response_prototype),
      handler(std::move(run)) {}

}  // namespace aquifer
