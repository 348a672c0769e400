#include "client/methods.h"

namespace aquifer::client {

using google::protobuf::Descriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

const MethodDescriptor* MethodOf(const Descriptor& request) {
  for (int s = 0; s < request.file()->service_count(); ++s) {
    const ServiceDescriptor& service = *request.file()->service(s);
    for (int m = 0; m < service.method_count(); ++m) {
      if (service.method(m)->input_type() == &request) return service.method(m);
    }
  }
  return nullptr;
}

CalledMethod Called(const MethodDescriptor& method) {
  return {method.full_name(), method.options().GetExtension(v1::policy)};
}

std::string PathOf(const std::string& method) {
  std::string path = "/" + method;
  path[path.rfind('.')] = '/';
  return path;
}

}  // namespace aquifer::client
