#include "server/rpc/call_queue.h"

namespace aquifer {

void* QueuedCall::Arrival() {
  context_.AsyncNotifyWhenDone(&over_);
  return &arrived_;
}

void* QueuedCall::Step() {
  ++to_come_;
  return &stepped_;
}

void QueuedCall::Arrived(bool ok) {
  // Else the server shut down meanwhile, and nothing more is told.
  if (ok) {
    OnArrived();
  } else {
    delete this;
  }
}

void QueuedCall::Stepped(bool ok) {
  OnStep(ok);
  Release();
}

void QueuedCall::Over(bool) {
  if (context_.IsCancelled()) OnCancelled();
  Release();
}

void QueuedCall::Finished(bool) { Release(); }

void QueuedCall::Release() {
  if (--to_come_ == 0) OnGone();
}

CallQueue::CallQueue(grpc::ServerBuilder& builder, int threads) {
  for (int i = 0; i < threads; ++i) queues_.push_back(builder.AddCompletionQueue());
}

CallQueue::~CallQueue() { Stop(); }

void CallQueue::Start(const std::vector<QueuedService*>& services) {
  for (const auto& queue : queues_) {
    for (QueuedService* service : services) service->Listen(*queue);
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
  while (queue.Next(&tag, &ok)) static_cast<QueueEvent*>(tag)->Happened(ok);
}

}  // namespace aquifer
