// One request, one answer.
#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/byte_buffer.h>

namespace aquifer {

struct Method;
class RpcRunner;

// Where the calls of one method come from.
class UnaryPort {
 public:
  virtual ~UnaryPort() = default;
  virtual const Method& method() const = 0;
  // Asks for the next call: fills in the others and tells `tag` in `queue`.
  virtual void Request(grpc::ServerContext& context, grpc::ByteBuffer& request,
                       grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>& responder,
                       grpc::ServerCompletionQueue& queue, void* tag) = 0;
};

// Waits for a call at `port`, and when one came, for the next. Both must live until the queue is
// stopped.
void ListenForUnary(RpcRunner& rpc, UnaryPort& port, grpc::ServerCompletionQueue& queue);

}  // namespace aquifer
