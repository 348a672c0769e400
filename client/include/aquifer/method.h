// A method of the API as a function object: `GetCollection(request)` is a call.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include <utility>

#include "aquifer/call_options.h"

namespace aquifer::client {

class Caller;

// What every method shares, with its types erased. The method is the one that takes `request`.
class MethodBase {
 protected:
  MethodBase(const Caller& caller, const google::protobuf::Descriptor& request);

  // Calls and waits; with retries, until it is done or its time is up.
  absl::Status Call(const google::protobuf::Message& request, google::protobuf::Message& response,
                    const CallOptions& options) const;

 private:
  const Caller* caller_;
  const google::protobuf::MethodDescriptor* method_;
};

// A method of one request and one answer. Blocks; may be called by many threads at once.
//
// A request_id that the method has and the request leaves empty is filled in, the same for every
// try, so that every call is safe to repeat. Errors are those of the proto; aquifer/error.h reads
// their reason and details.
template <typename Request, typename Response>
class Unary : private MethodBase {
 public:
  explicit Unary(const Caller& caller) : MethodBase(caller, *Request::descriptor()) {}

  absl::StatusOr<Response> operator()(const Request& request,
                                      const CallOptions& options = {}) const {
    Response response;
    if (absl::Status status = Call(request, response, options); !status.ok()) return status;
    return response;
  }
};

// What a class of methods needs.
class Repository {
 public:
  explicit Repository(const Caller& caller) : caller_(caller) {}

 protected:
  const Caller& caller_;
};

}  // namespace aquifer::client
