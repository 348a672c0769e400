// A server for the tests of programs that use this library: it speaks the API over a socket and
// answers what the test says.
//
//   aquifer::client::FakeServer server;
//   server.On([](const v1::GetTaskRequest& request) -> absl::StatusOr<v1::GetTaskResponse> {
//     return ErrorWith(absl::StatusCode::kNotFound, "gone", {.reason = "TASK_NOT_FOUND"});
//   });
//   aquifer::client::Client client = server.NewClient();
//
// Link aquifer::client_testing.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aquifer/client.h"

namespace aquifer::client {

// Thread-safe. Stops, and ends the calls under way, when it is destroyed.
class FakeServer {
 public:
  FakeServer();
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  // "127.0.0.1:43210", for the program under test.
  const std::string& endpoint() const;
  // A client of this server alone.
  Client NewClient(ConnectOptions options = {}) const;

  // From now on `answer` answers the method of its request. It takes
  //   const Request&                        and returns absl::StatusOr<Response>;
  //   const v1::StreamCollectionsRequest&   and returns a StatusOr of a vector of responses;
  //   const std::vector<v1::ImportCollectionsRequest>&, all of a stream's, and returns a StatusOr.
  // It is called by threads of gRPC, several at once. A method without an answer gets
  // UNIMPLEMENTED; Health says that it serves.
  template <typename Answer>
  FakeServer& On(Answer answer) {
    return OnFunction(std::function(std::move(answer)));
  }

  // The requests of this kind received so far, tries counted one by one.
  template <typename Request>
  std::vector<Request> Received() const {
    return Parsed<Request>(BytesReceived(*Request::descriptor()));
  }

 private:
  using Messages = std::vector<std::string>;
  using ErasedAnswer = std::function<absl::StatusOr<Messages>(const Messages& requests)>;
  class Service;

  template <typename Request, typename Response>
  FakeServer& OnFunction(std::function<absl::StatusOr<Response>(const Request&)> answer) {
    return SetAnswer(*Request::descriptor(), [answer](const Messages& requests) {
      return Serialized(answer(Parsed<Request>(requests).at(0)));
    });
  }

  template <typename Request, typename Response>
  FakeServer& OnFunction(
      std::function<absl::StatusOr<std::vector<Response>>(const Request&)> answer) {
    return SetAnswer(*Request::descriptor(), [answer](const Messages& requests) {
      return AllSerialized(answer(Parsed<Request>(requests).at(0)));
    });
  }

  template <typename Request, typename Response>
  FakeServer& OnFunction(
      std::function<absl::StatusOr<Response>(const std::vector<Request>&)> answer) {
    return SetAnswer(*Request::descriptor(), [answer](const Messages& requests) {
      return Serialized(answer(Parsed<Request>(requests)));
    });
  }

  template <typename Request>
  static std::vector<Request> Parsed(const Messages& bytes) {
    std::vector<Request> requests;
    for (const std::string& each : bytes) requests.emplace_back().ParseFromString(each);
    return requests;
  }

  template <typename Response>
  static absl::StatusOr<Messages> Serialized(const absl::StatusOr<Response>& response) {
    if (!response.ok()) return response.status();
    return Messages{response->SerializeAsString()};
  }

  template <typename Response>
  static absl::StatusOr<Messages> AllSerialized(
      const absl::StatusOr<std::vector<Response>>& responses) {
    if (!responses.ok()) return responses.status();
    Messages bytes;
    for (const Response& response : *responses) bytes.push_back(response.SerializeAsString());
    return bytes;
  }

  FakeServer& SetAnswer(const google::protobuf::Descriptor& request, ErasedAnswer answer);
  Messages BytesReceived(const google::protobuf::Descriptor& request) const;

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace aquifer::client
