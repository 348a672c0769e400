#include "client/cli/session.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/channel.h>

#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/exit_code.h"
#include "client/cli/table.h"

namespace aquifer::cli {
namespace {

// How long to wait for a connection that neither comes nor is refused.
constexpr absl::Duration kConnectTimeout = absl::Seconds(5);

bool IsAway(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

// Ends early where nobody listens, unlike a call, which would wait for somebody to come.
absl::Status AwaitPeer(grpc::Channel& channel, absl::Duration timeout) {
  const auto deadline = absl::ToChronoTime(absl::Now() + timeout);
  for (grpc_connectivity_state state = channel.GetState(true); state != GRPC_CHANNEL_READY;
       state = channel.GetState(true)) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || !channel.WaitForStateChange(state, deadline)) {
      return absl::UnavailableError("nobody answers");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<const client::Client*> Session::Connect() {
  if (!client_) {
    client::ConnectOptions connect = {
        .endpoints = absl::StrSplit(options_.address, ',', absl::SkipEmpty()),
        .caller = "aquifer-cli",
        .tls = options_.tls ? std::make_optional<client::TlsOptions>() : std::nullopt};
    absl::Status read = AddCredentials(options_.credentials, connect);
    if (!read.ok()) return read;
    over_tls_ = connect.tls.has_value();
    auto client = client::Connect(connect);
    if (!client.ok()) return client.status();
    client_ = *std::move(client);
  }
  return &*client_;
}

absl::StatusOr<const client::Client*> Session::Reach() {
  auto client = Connect();
  if (!client.ok() || is_reached_) return client;
  const absl::Duration timeout = options_.timeout.value_or(kConnectTimeout);
  if (absl::Status status = AwaitPeer(*(*client)->channel(), timeout); !status.ok()) return status;
  is_reached_ = true;
  return client;
}

client::CallOptions Session::CallOptions() const {
  return {.timeout = options_.timeout,
          .consistency = options_.consistency,
          .want_token = options_.show_token};
}

absl::Status Session::Call(const google::protobuf::Message& request,
                           google::protobuf::Message& response) {
  const auto client = Reach();
  return client.ok() ? CallOver(**client, request, response) : client.status();
}

absl::Status Session::CallOver(const client::Client& client,
                               const google::protobuf::Message& request,
                               google::protobuf::Message& response) {
  client::CallReport report;
  client::CallOptions options = CallOptions();
  options.report = &report;
  absl::Status status = client.Call(request, response, options);
  if (!report.token.empty()) err() << "token: " << report.token << "\n";
  return status;
}

absl::Status Session::Confirm(const std::string& question) {
  if (options_.yes) return absl::OkStatus();
  if (!streams_.in_is_terminal) {
    return absl::InvalidArgumentError(
        absl::StrCat(Harmless(question), " Nobody is there to say so: give --yes"));
  }
  err() << Harmless(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(streams_.in, answer);
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return absl::CancelledError("nothing was done");
}

absl::Status Session::PrintJson(const google::protobuf::Message& message, Layout layout) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = layout == Layout::kLines;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError(status.ToString());
  out() << json << (layout == Layout::kLines ? "" : "\n") << std::flush;
  return absl::OkStatus();
}

int Session::Fail(const absl::Status& status) {
  const client::ErrorDetails error = client::DetailsOf(status);
  const std::string message = Harmless(std::string(status.message()));
  if (error.reason.empty()) {
    if (IsAway(status)) {
      err() << "aquifer: no answer from " << Harmless(options_.address)
            << ": is the server running there? --address or AQUIFER_ADDRESS says where it is\n"
            << "  " << message << "\n";
      if (over_tls_) {
        err() << "  over TLS: its certificate must be for that name, signed by one of --tls-ca or "
                 "of the system's authorities\n";
      }
      return kExitAway;
    }
    err() << "aquifer: " << message << "\n";
    return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
  }
  // The message names every refused field.
  err() << "aquifer: " << message << " (" << error.reason << ")\n";
  const auto remedy = error.metadata.find("remedy");
  if (remedy != error.metadata.end()) err() << "  what to do: " << remedy->second << "\n";
  if (error.retry_after) err() << "  try again in " << *error.retry_after << "\n";
  if (!error.call_id.empty()) err() << "  in the server's log: " << error.call_id << "\n";
  return kExitFailed;
}

}  // namespace aquifer::cli
