// Where tracing hooks in: every try of every call passes here.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <memory>

#include "aquifer/call_options.h"

namespace aquifer::client {

struct CallTry {
  // "aquifer.v1.CollectionRepository.GetCollection"
  absl::string_view method;
  // From 1.
  int number = 1;
};

// One try under way; destroyed when it has ended.
class CallSpan {
 public:
  virtual ~CallSpan() = default;
  // How it ended.
  virtual void End(const absl::Status& status) = 0;
};

// Called by the threads that make calls, many at once.
class CallTracer {
 public:
  virtual ~CallTracer() = default;
  // A try begins. What is added to `metadata` (a `traceparent`, say) travels with it. May return
  // null.
  virtual std::unique_ptr<CallSpan> Begin(const CallTry& call, Metadata& metadata) = 0;
};

}  // namespace aquifer::client
