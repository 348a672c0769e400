#include "client/methods.h"

#include "aquifer/v1/admin.pb.h"
#include "aquifer/v1/collection.pb.h"
#include "aquifer/v1/job.pb.h"
#include "aquifer/v1/maintenance.pb.h"
#include "aquifer/v1/transaction.pb.h"
#include "aquifer/v1/worker.pb.h"

namespace aquifer::client {

using google::protobuf::Descriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

std::vector<const MethodDescriptor*> AllMethods() {
  std::vector<const MethodDescriptor*> methods;
  for (const Descriptor* request :
       {v1::GetStatusRequest::descriptor(), v1::GetCollectionRequest::descriptor(),
        v1::BeginJobRunRequest::descriptor(), v1::GetTaskRequest::descriptor(),
        v1::ExecuteRequest::descriptor(), v1::GetWorkerRequest::descriptor()}) {
    const ServiceDescriptor& service = *request->file()->service(0);
    for (int i = 0; i < service.method_count(); ++i) methods.push_back(service.method(i));
  }
  return methods;
}

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
