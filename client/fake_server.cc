#include "aquifer/fake_server.h"

#include <absl/base/thread_annotations.h>
#include <absl/strings/str_cat.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <cstdlib>
#include <map>

#include "client/fake_call.h"
#include "client/methods.h"
#include "client/wire_status.h"
#include "grpc/health/v1/health.pb.h"

namespace aquifer::client {
namespace {

constexpr char kHealthPath[] = "/grpc.health.v1.Health/Check";

std::string Healthy() {
  grpc::health::v1::HealthCheckResponse response;
  response.set_status(grpc::health::v1::HealthCheckResponse::SERVING);
  return response.SerializeAsString();
}

}  // namespace

class FakeServer::Service final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    // gRPC keeps it until it is done, when it deletes itself.
    return new FakeCall(*context, [this, path = context->method()](const Messages& requests) {
      return Answer(path, requests);
    });
  }

  void Set(const std::string& path, ErasedAnswer answer) {
    absl::MutexLock lock(&mutex_);
    answers_[path] = std::move(answer);
  }

  Messages Received(const std::string& path) const {
    absl::MutexLock lock(&mutex_);
    const auto found = received_.find(path);
    return found == received_.end() ? Messages{} : found->second;
  }

 private:
  absl::StatusOr<Messages> Answer(const std::string& path, const Messages& requests) {
    ErasedAnswer answer;
    {
      absl::MutexLock lock(&mutex_);
      Messages& received = received_[path];
      received.insert(received.end(), requests.begin(), requests.end());
      const auto found = answers_.find(path);
      if (found != answers_.end()) answer = found->second;
    }
    // Called without the lock: an answer may make calls itself.
    if (answer) return answer(requests);
    return absl::UnimplementedError(absl::StrCat("the fake has no answer to ", path));
  }

  mutable absl::Mutex mutex_;
  std::map<std::string, ErasedAnswer> answers_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Messages> received_ ABSL_GUARDED_BY(mutex_);
};

struct FakeServer::Parts {
  Service service;
  std::string endpoint;
  std::unique_ptr<grpc::Server> server;
};

FakeServer::FakeServer() : parts_(std::make_unique<Parts>()) {
  parts_->service.Set(kHealthPath, [](const Messages&) { return Messages{Healthy()}; });
  int port = 0;
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&parts_->service);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  parts_->server = builder.BuildAndStart();
  // Without a socket on loopback there is no test to go on with.
  if (parts_->server == nullptr || port == 0) std::abort();
  parts_->endpoint = absl::StrCat("127.0.0.1:", port);
}

FakeServer::~FakeServer() { parts_->server->Shutdown(absl::ToChronoTime(absl::Now())); }

const std::string& FakeServer::endpoint() const { return parts_->endpoint; }

Client FakeServer::NewClient(ConnectOptions options) const {
  options.endpoints = {endpoint()};
  auto client = Connect(options);
  // Only options that contradict each other get here: a mistake of the test.
  if (!client.ok()) std::abort();
  return *std::move(client);
}

FakeServer& FakeServer::SetAnswer(const google::protobuf::Descriptor& request,
                                  ErasedAnswer answer) {
  parts_->service.Set(PathOf(MethodOf(request)->full_name()), std::move(answer));
  return *this;
}

FakeServer::Messages FakeServer::BytesReceived(const google::protobuf::Descriptor& request) const {
  return parts_->service.Received(PathOf(MethodOf(request)->full_name()));
}

}  // namespace aquifer::client
