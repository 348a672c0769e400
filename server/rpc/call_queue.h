// Where gRPC tells of calls: completion queues, each polled by one thread that never blocks.
//
// A thread per queue rather than gRPC's own callbacks: measured at 128 callers on two cores, it
// spends half of the processor time on a call, because few threads are woken.
#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace aquifer {

// Thread-safe where it says so.
class CallQueue {
 public:
  // Something that gRPC will tell of, once each time it was asked to. Must live until it did.
  class Event {
   public:
    // Called by the queue's thread; never blocks. `ok` is gRPC's.
    virtual void Happened(bool ok) = 0;

   protected:
    ~Event() = default;
  };

  // `threads` queues; they belong to the server that `builder` builds.
  CallQueue(grpc::ServerBuilder& builder, int threads);
  // Stops.
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  // Begins to poll, once the server has started. `listen` asks for the calls of one queue.
  void Start(const std::function<void(grpc::ServerCompletionQueue&)>& listen);

  // Tells of what is left and ends the threads. After the server's Shutdown, and when every call
  // has been answered: nothing may be asked of gRPC from then on.
  void Stop();

 private:
  static void Poll(grpc::ServerCompletionQueue& queue);

  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  std::vector<std::thread> threads_;
};

}  // namespace aquifer
