// One try of a call, of whatever kind: its context before, its trace and report after.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <optional>
#include <string>

#include "aquifer/call_options.h"
#include "aquifer/connect_options.h"
#include "aquifer/tracing.h"

namespace aquifer::client {

// Used by one thread at a time.
class Attempt {
 public:
  // `method` is its full name.
  Attempt(const std::string& method, int number, absl::Time deadline, const CallOptions& options,
          const ConnectOptions& connection);

  // INVALID_ARGUMENT if something was asked for that cannot travel in a header; then the try must
  // not be made: gRPC would end the program.
  const absl::Status& fitness() const { return fitness_; }

  grpc::ClientContext& context() { return context_; }

  // The try has ended so, its trailers are there.
  absl::Status End(const grpc::Status& status);

  // When the server wants the next try, as it said so; only after End.
  std::optional<std::string> Pushback() const;

 private:
  std::optional<std::string> Trailer(const char* name) const;

  grpc::ClientContext context_;
  const int number_;
  CallReport* const report_;
  std::unique_ptr<CallSpan> span_;
  absl::Status fitness_;
};

}  // namespace aquifer::client
