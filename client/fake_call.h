// One call of a fake server, of any kind: every request is read, then every response is written.
#pragma once

#include <absl/status/statusor.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace aquifer::client {

// Deletes itself when the call is done.
class FakeCall final : public grpc::ServerGenericBidiReactor {
 public:
  using Messages = std::vector<std::string>;
  using Answer = std::function<absl::StatusOr<Messages>(const Messages& requests)>;

  FakeCall(grpc::GenericCallbackServerContext& context, Answer answer);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override { delete this; }

 private:
  void WriteNext();
  void FinishWith(const absl::Status& status);

  grpc::GenericCallbackServerContext& context_;
  const Answer answer_;
  grpc::ByteBuffer buffer_;
  Messages requests_;
  Messages responses_;
  std::size_t written_ = 0;
};

}  // namespace aquifer::client
