// The request_id that makes a write safe to repeat.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>

#include "aquifer/v1/options.pb.h"

namespace aquifer::client {

// A random UUID (version 4).
std::string NewRequestId();

// A copy of `request` with a new request_id; null if it has one already or its method, whose policy
// this is, needs none.
std::unique_ptr<google::protobuf::Message> WithRequestId(const v1::MethodPolicy& policy,
                                                         const google::protobuf::Message& request);

}  // namespace aquifer::client
