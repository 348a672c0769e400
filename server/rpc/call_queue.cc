#include "server/rpc/call_queue.h"

namespace aquifer {

CallQueue::CallQueue(grpc::ServerBuilder& builder, int threads) {
  for (int i = 0; i < threads; ++i) queues_.push_back(builder.AddCompletionQueue());
}

CallQueue::~CallQueue() { Stop(); }

void CallQueue::Start(const std::function<void(grpc::ServerCompletionQueue&)>& listen) {
  for (const auto& queue : queues_) {
    listen(*queue);
    threads_.emplace_back([&queue = *queue] { Poll(queue); });
  }
}

void CallQueue::Stop() {
  for (const auto& queue : queues_) queue->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  // Queues that were never polled must be emptied as well before gRPC lets them go.
  if (threads_.empty()) {
    for (const auto& queue : queues_) Poll(*queue);
  }
  threads_.clear();
  queues_.clear();
}

void CallQueue::Poll(grpc::ServerCompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) static_cast<Event*>(tag)->Happened(ok);
}

}  // namespace aquifer
