#include "server/rpc/rpc_service.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>

namespace aquifer {
namespace {

using grpc::ByteBuffer;
using grpc::CallbackServerContext;
using grpc::internal::RpcMethod;
using grpc::internal::RpcServiceMethod;

// Calls of a method that wait for the queue's thread need no place of their own: gRPC keeps them.
constexpr int kCallsAwaited = 4;

}  // namespace

class RpcService::Port final : public UnaryPort {
 public:
  Port(RpcService& service, int index, const Method& method)
      : service_(service), index_(index), method_(method) {}

  const Method& method() const override { return method_; }
  void Request(grpc::ServerContext& context, ByteBuffer& request,
               grpc::ServerAsyncResponseWriter<ByteBuffer>& responder,
               grpc::ServerCompletionQueue& queue, void* tag) override {
    service_.RequestAsyncUnary(index_, &context, &request, &responder, &queue, &queue, tag);
  }

 private:
  RpcService& service_;
  const int index_;
  const Method& method_;
};

void RpcService::Listen(grpc::ServerCompletionQueue& queue) {
  for (const auto& port : ports_) {
    for (int i = 0; i < kCallsAwaited; ++i) ListenForUnary(rpc_, *port, queue);
  }
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

// What follows is what generated code does for a service with the raw APIs.

void RpcService::AddUnary(const Method& method) {
  const int index = static_cast<int>(methods_.size()) - 1;
  AddMethod(new RpcServiceMethod(method.path.c_str(), RpcMethod::NORMAL_RPC, nullptr));
  MarkMethodRaw(index);
  ports_.push_back(std::make_unique<Port>(*this, index, method));
}

void RpcService::AddServerStream(const Method& method) {
  AddMethod(new RpcServiceMethod(method.path.c_str(), RpcMethod::SERVER_STREAMING, nullptr));
  MarkMethodRawCallback(
      static_cast<int>(methods_.size()) - 1,
      new grpc::internal::CallbackServerStreamingHandler<ByteBuffer, ByteBuffer>(
          [this, &method](CallbackServerContext* context, const ByteBuffer* request) {
            return rpc_.StartServerStream(method, *context, *request);
          }));
}

void RpcService::AddClientStream(const Method& method) {
  AddMethod(new RpcServiceMethod(method.path.c_str(), RpcMethod::CLIENT_STREAMING, nullptr));
  MarkMethodRawCallback(static_cast<int>(methods_.size()) - 1,
                        new grpc::internal::CallbackClientStreamingHandler<ByteBuffer, ByteBuffer>(
                            [this, &method](CallbackServerContext* context, ByteBuffer* response) {
                              return rpc_.StartClientStream(method, *context, *response);
                            }));
}

}  // namespace aquifer
