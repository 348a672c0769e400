// The client of Aquifer. A call is a method of a repository with the proto's own messages:
//
//   auto client = aquifer::client::Connect({.endpoints = {"10.0.0.1:50051", "10.0.0.2:50051"}});
//   auto answer = client->collections().GetCollection(request);
//   if (!answer.ok()) std::cerr << answer.status();
//
// Calls block, have a deadline, and are tried again where the API's policy and the server's advice
// allow it; aquifer/method.h and aquifer/connect_options.h say how.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/message.h>

#include <memory>

#include "aquifer/admin.h"
#include "aquifer/collections.h"
#include "aquifer/connect_options.h"
#include "aquifer/error.h"
#include "aquifer/health.h"
#include "aquifer/jobs.h"
#include "aquifer/maintenance.h"
#include "aquifer/pages.h"
#include "aquifer/transactions.h"
#include "aquifer/workers.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace aquifer::client {

// One for a program: it holds the connections. Thread-safe; destroyed when no call is under way.
class Client {
 public:
  // Over channels of the caller's own making, such as a fake server's. `admin` serves Admin and
  // Health, and may be the same.
  Client(std::shared_ptr<grpc::Channel> channel, std::shared_ptr<grpc::Channel> admin,
         const ConnectOptions& options = {});
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  const Collections& collections() const;
  const Workers& workers() const;
  const Maintenance& maintenance() const;
  const Jobs& jobs() const;
  const Transactions& transactions() const;
  // Admin and Health reach the service also while it is not healthy, whatever the balancing.
  const Admin& admin() const;
  const Health& health() const;

  // Calls the method that takes `request`, for programs that choose it at run time. As the method
  // itself would; INVALID_ARGUMENT if no method of one request and one answer takes the one and
  // gives the other.
  absl::Status Call(const google::protobuf::Message& request, google::protobuf::Message& response,
                    const CallOptions& options = {}) const;

  // Connects, if that is not done, and waits until calls find an instance to go to; UNAVAILABLE if
  // none was found in time. No call needs it: the first connects by itself.
  absl::Status AwaitConnected(absl::Duration timeout) const;

  // For stubs of the user's own, with the same connections; their calls are not tried again.
  std::shared_ptr<grpc::Channel> channel() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Does not wait for a connection. INVALID_ARGUMENT if the options contradict each other; NOT_FOUND
// if the name of one of several endpoints has no address.
absl::StatusOr<Client> Connect(const ConnectOptions& options = {});

}  // namespace aquifer::client
