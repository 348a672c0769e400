// The methods of the API, found by their requests.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "aquifer/v1/options.pb.h"

namespace aquifer::client {

// What is called.
struct CalledMethod {
  // "aquifer.v1.CollectionRepository.GetCollection"
  const std::string& name;
  const v1::MethodPolicy& policy;
};

// Of every service.
std::vector<const google::protobuf::MethodDescriptor*> AllMethods();

// The method that takes `request`: each has a request of its own, in the file of its service. Null
// if there is none.
const google::protobuf::MethodDescriptor* MethodOf(const google::protobuf::Descriptor& request);

CalledMethod Called(const google::protobuf::MethodDescriptor& method);

// "/aquifer.v1.Admin/GetStatus" of "aquifer.v1.Admin.GetStatus".
std::string PathOf(const std::string& method);

}  // namespace aquifer::client
