// Where the calls of one method come from, and what waits for them.
#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/byte_buffer.h>

namespace aquifer {

class Joiner;
class RpcRunner;
struct Method;

class CallPort {
 public:
  using Bytes = grpc::ByteBuffer;
  using UnaryResponder = grpc::ServerAsyncResponseWriter<Bytes>;
  using StreamWriter = grpc::ServerAsyncWriter<Bytes>;
  using StreamReader = grpc::ServerAsyncReader<Bytes, Bytes>;

  virtual ~CallPort() = default;
  virtual const Method& method() const = 0;
  // Where its calls wait for each other; null if they do not.
  virtual Joiner* joiner() = 0;

  // Asks for the next call: fills in the others and tells `tag` in `queue`. Of the three only the
  // one of the method's kind may be called.
  virtual void Ask(grpc::ServerContext& context, Bytes& request, UnaryResponder& responder,
                   grpc::ServerCompletionQueue& queue, void* tag) = 0;
  virtual void Ask(grpc::ServerContext& context, Bytes& request, StreamWriter& writer,
                   grpc::ServerCompletionQueue& queue, void* tag) = 0;
  virtual void Ask(grpc::ServerContext& context, StreamReader& reader,
                   grpc::ServerCompletionQueue& queue, void* tag) = 0;
};

// Each waits for a call at `port`, and when one came, for the next. All three must live until the
// queue is stopped.
void ListenForUnary(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue);
void ListenForServerStream(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue);
void ListenForClientStream(RpcRunner& rpc, CallPort& port, grpc::ServerCompletionQueue& queue);

}  // namespace aquifer
