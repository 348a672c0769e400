// Where gRPC tells of calls: completion queues, each polled by one thread that never blocks.
//
// Everything the server answers comes this way, for one caller of gRPC's own callbacks would bring
// their threads, which poll the same sockets: measured with 128 callers on two cores, that costs a
// third of the server's processor time.
#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace aquifer {

// Something that gRPC tells of, as often as it was asked to. Must live until then.
class QueueEvent {
 public:
  // Called by a queue's thread; never blocks. `ok` is gRPC's.
  virtual void Happened(bool ok) = 0;

 protected:
  ~QueueEvent() = default;
};

// A call that a queue tells of, from before it comes until all that was asked of gRPC for it has
// happened; then it lets go of itself. Every member function named On... is called by the queue's
// one thread.
class QueuedCall {
 public:
  QueuedCall(const QueuedCall&) = delete;
  QueuedCall& operator=(const QueuedCall&) = delete;

 protected:
  QueuedCall() = default;
  virtual ~QueuedCall() = default;

  // The tag to ask for a call with. Nothing else may be asked before OnArrived.
  void* Arrival();
  // The tag of the one read or write that may be under way.
  void* Step();
  // The tag of the call's only Finish, asked for exactly once.
  void* End() { return &finished_; }

  virtual void OnArrived() = 0;
  virtual void OnStep(bool /*ok*/) {}
  // The caller left before the answer.
  virtual void OnCancelled() {}
  // Nothing more will happen.
  virtual void OnGone() { delete this; }

  grpc::ServerContext context_;

 private:
  template <void (QueuedCall::*kMember)(bool)>
  struct To final : QueueEvent {
    explicit To(QueuedCall& of) : call(of) {}
    void Happened(bool ok) override { (call.*kMember)(ok); }
    QueuedCall& call;
  };

  void Arrived(bool ok);
  void Stepped(bool ok);
  void Over(bool ok);
  void Finished(bool ok);
  void Release();

  To<&QueuedCall::Arrived> arrived_{*this};
  To<&QueuedCall::Stepped> stepped_{*this};
  To<&QueuedCall::Over> over_{*this};
  To<&QueuedCall::Finished> finished_{*this};
  // What gRPC has yet to tell: that the call is over, that Finish is done, and steps.
  std::atomic<int> to_come_ = 2;
};

// A service whose calls come from a queue.
class QueuedService {
 public:
  virtual ~QueuedService() = default;
  virtual grpc::Service& service() = 0;
  // Asks for calls.
  virtual void Listen(grpc::ServerCompletionQueue& queue) = 0;
};

class CallQueue {
 public:
  // `threads` queues; they belong to the server that `builder` builds.
  CallQueue(grpc::ServerBuilder& builder, int threads);
  // Stops.
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  // Begins to poll, once the server has started.
  void Start(const std::vector<QueuedService*>& services);

  // Tells of what is left and ends the threads. After the server's Shutdown, and when every call
  // has been answered: nothing may be asked of gRPC from then on.
  void Stop();

 private:
  static void Poll(grpc::ServerCompletionQueue& queue);

  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  std::vector<std::thread> threads_;
};

}  // namespace aquifer
