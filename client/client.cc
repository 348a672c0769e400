#include "aquifer/client.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <grpcpp/channel.h>

#include <utility>

#include "client/caller.h"
#include "client/channels.h"
#include "client/methods.h"

namespace aquifer::client {

struct Client::Parts {
  Parts(std::shared_ptr<grpc::Channel> channel, std::shared_ptr<grpc::Channel> admin_channel,
        const ConnectOptions& options)
      : calls(std::move(channel), options), admin_calls(std::move(admin_channel), options) {}

  const Caller calls;
  const Caller admin_calls;
  const Collections collections{calls};
  const Workers workers{calls};
  const Maintenance maintenance{calls};
  const Jobs jobs{calls};
  const Transactions transactions{calls};
  const Admin admin{admin_calls};
  const Health health{admin_calls};
};

Client::Client(std::shared_ptr<grpc::Channel> channel, std::shared_ptr<grpc::Channel> admin,
               const ConnectOptions& options)
    : parts_(std::make_unique<Parts>(std::move(channel), std::move(admin), options)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

const Collections& Client::collections() const { return parts_->collections; }
const Workers& Client::workers() const { return parts_->workers; }
const Maintenance& Client::maintenance() const { return parts_->maintenance; }
const Jobs& Client::jobs() const { return parts_->jobs; }
const Transactions& Client::transactions() const { return parts_->transactions; }
const Admin& Client::admin() const { return parts_->admin; }
const Health& Client::health() const { return parts_->health; }

std::shared_ptr<grpc::Channel> Client::channel() const { return parts_->calls.channel(); }

absl::Status Client::Call(const google::protobuf::Message& request,
                          google::protobuf::Message& response, const CallOptions& options) const {
  const auto* method = MethodOf(*request.GetDescriptor());
  if (method == nullptr || method->output_type() != response.GetDescriptor() ||
      method->client_streaming() || method->server_streaming()) {
    return absl::InvalidArgumentError(absl::StrCat("no method answers ", request.GetTypeName(),
                                                   " by one ", response.GetTypeName()));
  }
  const bool is_admin = method->file() == v1::GetStatusRequest::descriptor()->file();
  return (is_admin ? parts_->admin_calls : parts_->calls)
      .Call(Called(*method), request, response, options);
}

absl::Status Client::AwaitConnected(absl::Duration timeout) const {
  if (channel()->WaitForConnected(absl::ToChronoTime(absl::Now() + timeout))) {
    return absl::OkStatus();
  }
  return absl::UnavailableError("no instance could be reached, or none is healthy");
}

absl::StatusOr<Client> Connect(const ConnectOptions& options) {
  auto channels = MakeChannels(options);
  if (!channels.ok()) return channels.status();
  return Client(std::move(channels->calls), std::move(channels->admin), options);
}

}  // namespace aquifer::client
