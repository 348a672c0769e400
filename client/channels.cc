#include "client/channels.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <map>
#include <utility>

#include "client/service_config.h"

namespace aquifer::client {
namespace {

// gRPC waits up to two minutes between tries to connect; a restarted server is to be found sooner.
constexpr int kFirstReconnectDelayMs = 100;
constexpr int kLongestReconnectDelayMs = 1000;
// How long one try to connect may take.
constexpr int kConnectTimeoutMs = 5000;
// The server hangs up on who probes more often.
constexpr absl::Duration kLeastKeepalive = absl::Seconds(10);
// A program that makes no calls reads the answer to a probe only every 5 s.
constexpr absl::Duration kLeastKeepaliveTimeout = absl::Seconds(6);
// What gRPC keeps of a stream of requests to send it again.
constexpr int kKeptForRetryBytes = 1024 * 1024;

// Puts the bearer token on every call of the channel.
class TokenPlugin final : public grpc::MetadataCredentialsPlugin {
 public:
  explicit TokenPlugin(std::function<absl::StatusOr<std::string>()> token)
      : token_(std::move(token)) {}

  bool IsBlocking() const override { return true; }

  grpc::Status GetMetadata(grpc::string_ref, grpc::string_ref, const grpc::AuthContext&,
                           std::multimap<grpc::string, grpc::string>* metadata) override {
    const absl::StatusOr<std::string> token = token_();
    if (!token.ok()) {
      return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, std::string(token.status().message()));
    }
    metadata->emplace("authorization", "Bearer " + *token);
    return grpc::Status::OK;
  }

 private:
  const std::function<absl::StatusOr<std::string>()> token_;
};

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(
    const ConnectOptions& options) {
  if (!options.tls) {
    if (options.token) {
      return absl::InvalidArgumentError("a token needs TLS: anybody could read it on the way");
    }
    return grpc::InsecureChannelCredentials();
  }
  if (options.tls->certificate.empty() != options.tls->private_key.empty()) {
    return absl::InvalidArgumentError(
        "a certificate needs its private key, and the other way round");
  }
  auto tls = grpc::SslCredentials({.pem_root_certs = options.tls->root_certificates,
                                   .pem_private_key = options.tls->private_key,
                                   .pem_cert_chain = options.tls->certificate});
  if (!options.token) return tls;
  return grpc::CompositeChannelCredentials(
      tls, grpc::MetadataCredentialsFromPlugin(std::make_unique<TokenPlugin>(options.token)));
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

grpc::ChannelArguments ArgumentsOf(const ConnectOptions& options, const std::string& config) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(config);
  // The service's own config, which DNS could hold, is nobody's to set but ours.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_PER_RPC_RETRY_BUFFER_SIZE, kKeptForRetryBytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectDelayMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectDelayMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options.keepalive_timeout));
  // Also while no call is under way, so that the first after hours finds a connection that lives.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetMaxReceiveMessageSize(options.max_message_bytes);
  // Two clients of one program have connections of their own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (options.tls && !options.tls->server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.tls->server_name);
  }
  return arguments;
}

Balancing BalancingOf(const ConnectOptions& options) {
  if (options.balancing != Balancing::kAutomatic) return options.balancing;
  return options.endpoints.size() > 1 ? Balancing::kRoundRobin : Balancing::kFirst;
}

}  // namespace

absl::StatusOr<Channels> MakeChannels(const ConnectOptions& options) {
  if (options.keepalive < kLeastKeepalive || options.keepalive_timeout < kLeastKeepaliveTimeout) {
    return absl::InvalidArgumentError(
        absl::StrCat("keepalive takes ", absl::FormatDuration(kLeastKeepalive),
                     " or more, and its timeout ", absl::FormatDuration(kLeastKeepaliveTimeout)));
  }
  const auto target = TargetOf(options.endpoints);
  if (!target.ok()) return target.status();
  const auto credentials = CredentialsOf(options);
  if (!credentials.ok()) return credentials.status();
  const Balancing balancing = BalancingOf(options);
  const auto channel = [&](HealthChecks checks) {
    return grpc::CreateCustomChannel(*target, *credentials,
                                     ArgumentsOf(options, ServiceConfig(balancing, checks)));
  };
  // Who goes to the first that answers has none to choose from.
  if (balancing == Balancing::kFirst) {
    const auto both = channel(HealthChecks::kOff);
    return Channels{.calls = both, .admin = both};
  }
  return Channels{.calls = channel(HealthChecks::kOn), .admin = channel(HealthChecks::kOff)};
}

}  // namespace aquifer::client
