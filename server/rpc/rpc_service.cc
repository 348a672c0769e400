#include "server/rpc/rpc_service.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>
#include <grpcpp/impl/rpc_service_method.h>

#include <algorithm>

#include "server/rpc/joined_calls.h"

namespace aquifer {
namespace {

using grpc::internal::RpcMethod;

// Asked for at once; those that wait for the queue's thread are kept by gRPC.
constexpr int kCallsAwaited = 4;

}  // namespace

class RpcService::Port final : public CallPort {
 public:
  Port(RpcService& service, int index, const Method& method, ListenFunction listen)
      : service_(service),
        index_(index),
        method_(method),
        listen_(listen),
        flyer_(service.rpc_, method) {
    if (method.handler.join) joiner_ = service.rpc_.MakeJoiner(method, flyer_);
  }

  void Listen(grpc::ServerCompletionQueue& queue) { listen_(service_.rpc_, *this, queue); }

  const Method& method() const override { return method_; }
  Joiner* joiner() override { return joiner_.get(); }

  void Ask(grpc::ServerContext& context, Bytes& request, UnaryResponder& responder,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    service_.RequestAsyncUnary(index_, &context, &request, &responder, &queue, &queue, tag);
  }
  void Ask(grpc::ServerContext& context, Bytes& request, StreamWriter& writer,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    service_.RequestAsyncServerStreaming(index_, &context, &request, &writer, &queue, &queue, tag);
  }
  void Ask(grpc::ServerContext& context, StreamReader& reader, grpc::ServerCompletionQueue& queue,
           void* tag) override {
    service_.RequestAsyncClientStreaming(index_, &context, &reader, &queue, &queue, tag);
  }

 private:
  RpcService& service_;
  const int index_;
  const Method& method_;
  const ListenFunction listen_;
  JoinedCallsFlyer flyer_;
  std::unique_ptr<Joiner> joiner_;
};

RpcService::RpcService(RpcRunner& rpc, const google::protobuf::ServiceDescriptor& descriptor)
    : rpc_(rpc), descriptor_(descriptor) {}

RpcService::~RpcService() = default;

void RpcService::Listen(grpc::ServerCompletionQueue& queue) {
  for (const auto& port : ports_) {
    for (int i = 0; i < kCallsAwaited; ++i) port->Listen(queue);
  }
}

JoinerFigures RpcService::JoinFigures() const {
  JoinerFigures sum;
  for (const auto& port : ports_) {
    if (const Joiner* joiner = port->joiner()) sum += joiner->Figures();
  }
  return sum;
}

absl::Status RpcService::CheckComplete() const {
  for (int i = 0; i < descriptor_.method_count(); ++i) {
    const auto* wanted = descriptor_.method(i);
    const auto found = std::find_if(methods_.begin(), methods_.end(), [&](const auto& method) {
      return &method->descriptor == wanted;
    });
    if (found == methods_.end()) {
      return absl::InternalError(absl::StrCat(wanted->full_name(), " is not served"));
    }
    if (absl::Status status = CheckPolicy(**found); !status.ok()) return status;
  }
  return absl::OkStatus();
}

const Method& RpcService::MakeMethod(const Message& request, const Message& response,
                                     Handler handler) {
  const std::string name(
      absl::StripSuffix(request.GetDescriptor()->name(), absl::string_view("Request")));
  const auto* descriptor = descriptor_.FindMethodByName(name);
  methods_.push_back(
      std::make_unique<const Method>(*descriptor, request, response, std::move(handler)));
  return *methods_.back();
}

void RpcService::AddUnary(const Method& method) {
  Add(method, RpcMethod::NORMAL_RPC, ListenForUnary);
}

void RpcService::AddServerStream(const Method& method) {
  Add(method, RpcMethod::SERVER_STREAMING, ListenForServerStream);
}

void RpcService::AddClientStream(const Method& method) {
  Add(method, RpcMethod::CLIENT_STREAMING, ListenForClientStream);
}

// What generated code does for a service with the raw asynchronous API.
void RpcService::Add(const Method& method, RpcMethod::RpcType type, ListenFunction listen) {
  const int index = static_cast<int>(methods_.size()) - 1;
  AddMethod(new grpc::internal::RpcServiceMethod(method.path.c_str(), type, nullptr));
  MarkMethodRaw(index);
  ports_.push_back(std::make_unique<Port>(*this, index, method, listen));
}

}  // namespace aquifer
