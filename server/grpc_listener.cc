#include "server/grpc_listener.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <sys/types.h>

#include <optional>
#include <utility>

namespace aquifer {
namespace {

// A caller that is gone without a word is noticed within a minute and a third.
constexpr int kKeepaliveMs = 60 * 1000;
constexpr int kKeepaliveTimeoutMs = 20 * 1000;
// Callers may ping this often, also while they have no call under way.
constexpr int kLeastClientPingMs = 10 * 1000;
// How many times the largest message gRPC reads: what is refused beyond never comes to a call, so
// neither a log line nor a helpful error tells of it.
constexpr int kReadBeyond = 4;

std::string HostForUri(const std::string& address) {
  return absl::StrContains(address, ':') ? absl::StrCat("[", address, "]") : address;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Start(
    const GrpcListenerOptions& options, const std::vector<QueuedService*>& services) {
  std::unique_ptr<GrpcListener> listener(new GrpcListener());
  listener->host_ = HostForUri(options.address);
  const std::string wanted = absl::StrCat(listener->host_, ":", options.port);

  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  // Two servers on one port would each get a share of the calls; the second must fail instead.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kLeastClientPingMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Its figures of every call cost more than they tell beside our own.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  builder.SetMaxReceiveMessageSize(kReadBeyond * options.max_message_bytes);
  if (options.memory_bytes > 0) {
    builder.SetResourceQuota(
        grpc::ResourceQuota("aquifer").Resize(static_cast<std::size_t>(options.memory_bytes)));
  }
  // gRPC unpacks a compressed message whole before it looks at the size, so a small one could fill
  // the memory. Callers that compress get UNIMPLEMENTED.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddListeningPort(wanted, grpc::InsecureServerCredentials(), &listener->port_);
  if (!options.socket.empty()) {
    auto socket = SocketFile::Claim(options.socket);
    if (!socket.ok()) return socket.status();
    listener->socket_ = *std::move(socket);
    builder.AddListeningPort(listener->socket_address(), grpc::InsecureServerCredentials());
  }
  for (QueuedService* service : services) builder.RegisterService(&service->service());
  listener->calls_ = std::make_unique<CallQueue>(builder, options.polling_threads);
  {
    std::optional<ModeOfNewFiles> mode;
    if (listener->socket_) mode.emplace(static_cast<mode_t>(options.socket_mode));
    listener->server_ = builder.BuildAndStart();
  }
  if (listener->server_ == nullptr || listener->port_ == 0) {
    // The address is tried first.
    if (listener->port_ != 0 && listener->socket_) {
      return absl::UnavailableError(
          absl::StrCat("socket ", options.socket, ": it cannot be listened on"));
    }
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", wanted, ": is the address right and the port free?"));
  }
  listener->calls_->Start(services);
  return listener;
}

std::string GrpcListener::address() const { return absl::StrCat(host_, ":", port_); }

std::string GrpcListener::socket_address() const { return socket_ ? socket_->address() : ""; }

GrpcListener::~GrpcListener() {
  // The server's own destructor would wait for as long as a caller keeps a stream open.
  if (server_ != nullptr) Shutdown(absl::Now());
}

void GrpcListener::Shutdown(absl::Time deadline) {
  server_->Shutdown(absl::ToChronoTime(deadline));
}

void GrpcListener::Close() { calls_.reset(); }

}  // namespace aquifer
