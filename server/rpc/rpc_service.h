// A gRPC service as a table: one line an RPC, each naming the repository method that does it.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/descriptor.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/impl/service_type.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "repositories/joined.h"
#include "repositories/stream_page.h"
#include "server/rpc/call_port.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/method.h"
#include "server/rpc/rpc_runner.h"

namespace aquifer {

// Takes requests as bytes, so that reading and checking them is on the path like all else (the
// generated services answer a bad text with a bare UNIMPLEMENTED). An RPC is found by its request:
// XRequest belongs to X, which buf lint holds for every method.
class RpcService : public grpc::Service, public QueuedService {
 public:
  // OK if every method of the proto is served and passes CheckPolicy; else the server must not
  // start.
  absl::Status CheckComplete() const;

  grpc::Service& service() final { return *this; }
  void Listen(grpc::ServerCompletionQueue& queue) final;

  // What became of the calls that could be joined, all methods together.
  JoinerFigures JoinFigures() const;

  ~RpcService() override;

 protected:
  // `rpc` must outlive the service.
  RpcService(RpcRunner& rpc, const google::protobuf::ServiceDescriptor& descriptor);

  template <typename Repository, typename Request, typename Response>
  void Unary(absl::StatusOr<Response> (Repository::*method)(const Request&)) {
    AddUnary(Make<Request, Response>({.transact = Transact(method)}));
  }

  // The same for a method whose waiting calls are joined: `together` answers a set of them.
  template <typename Repository, typename Request, typename Response>
  void Unary(absl::StatusOr<Response> (Repository::*method)(const Request&),
             void (Repository::*together)(JoinedCalls<Request, Response>)) {
    AddUnary(Make<Request, Response>({.transact = Transact(method), .join = Join(together)}));
  }

  template <typename Repository, typename Request, typename Response>
  void ServerStream(absl::StatusOr<StreamPage<Response>> (Repository::*method)(
      const Request&, const std::string& position)) {
    const auto page = [method](Session& session, const Message& request,
                               const std::string& position) -> absl::StatusOr<PageAnswer> {
      Repository repository(session);
      auto result = (repository.*method)(static_cast<const Request&>(request), position);
      if (!result.ok()) return result.status();
      return PageAnswer{[fill = std::move(result->fill)](Message& response) {
                          fill(static_cast<Response&>(response));
                        },
                        std::move(result->next_position)};
    };
    AddServerStream(Make<Request, Response>({.page = page}));
  }

  // `method` stores a part of the stream; `append` adds its answer to the whole one.
  template <typename Repository, typename Request, typename Response>
  void ClientStream(absl::StatusOr<Response> (Repository::*method)(const Request&),
                    void (*append)(const Response&, Response&)) {
    const auto append_erased = [append](const Message& part, Message& whole) {
      append(static_cast<const Response&>(part), static_cast<Response&>(whole));
    };
    AddClientStream(
        Make<Request, Response>({.transact = Transact(method), .append = append_erased}));
  }

  // Answers from memory, without the database.
  template <typename Request, typename Response>
  void Local(std::function<absl::StatusOr<Response>(const Request&)> answer) {
    const auto local = [answer = std::move(answer)](const Message& request) -> Answer {
      absl::StatusOr<Response> result = answer(static_cast<const Request&>(request));
      if (!result.ok()) return result.status();
      return std::make_unique<Response>(*std::move(result));
    };
    AddUnary(Make<Request, Response>({.local = local}));
  }

 private:
  template <typename Repository, typename Request, typename Response>
  static auto Transact(absl::StatusOr<Response> (Repository::*method)(const Request&)) {
    return [method](Session& session, const Message& request) -> Answer {
      Repository repository(session);
      absl::StatusOr<Response> result = (repository.*method)(static_cast<const Request&>(request));
      if (!result.ok()) return result.status();
      return std::make_unique<Response>(*std::move(result));
    };
  }

  template <typename Repository, typename Request, typename Response>
  static auto Join(void (Repository::*together)(JoinedCalls<Request, Response>)) {
    return [together](Session& session, absl::Span<const Message* const> requests,
                      absl::Span<std::optional<Answer>> answers) {
      std::vector<Joined<Request, Response>> calls(requests.size());
      for (std::size_t i = 0; i < calls.size(); ++i) {
        calls[i].request = static_cast<const Request*>(requests[i]);
      }
      Repository repository(session);
      (repository.*together)(absl::MakeSpan(calls));
      for (std::size_t i = 0; i < calls.size(); ++i) {
        if (!calls[i].answer) {
          answers[i].reset();
        } else if (calls[i].answer->ok()) {
          answers[i] = std::make_unique<Response>(**std::move(calls[i].answer));
        } else {
          answers[i] = calls[i].answer->status();
        }
      }
    };
  }

  template <typename Request, typename Response>
  const Method& Make(const Handler& handler) {
    return MakeMethod(Request::default_instance(), Response::default_instance(), handler);
  }

  const Method& MakeMethod(const Message& request, const Message& response, Handler handler);
  using ListenFunction = void (*)(RpcRunner&, CallPort&, grpc::ServerCompletionQueue&);

  void AddUnary(const Method& method);
  void AddServerStream(const Method& method);
  void AddClientStream(const Method& method);
  void Add(const Method& method, grpc::internal::RpcMethod::RpcType type, ListenFunction listen);

  class Port;

  RpcRunner& rpc_;
  const google::protobuf::ServiceDescriptor& descriptor_;
  // Pointers, because gRPC and calls under way keep references.
  std::vector<std::unique_ptr<const Method>> methods_;
  std::vector<std::unique_ptr<Port>> ports_;
};

}  // namespace aquifer
