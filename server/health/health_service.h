// grpc.health.v1.Health over HealthState. Generated, not gRPC's built-in one, which reflection does
// not show.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <grpcpp/grpcpp.h>

#include <memory>

#include "grpc/health/v1/health.grpc.pb.h"
#include "server/health/health_state.h"
#include "server/rpc/call_queue.h"

namespace aquifer {

struct HealthServiceOptions {
  // Watches open at once; a further one gets RESOURCE_EXHAUSTED.
  int max_watches = 1000;
};

// One for each grpc::Server (the main port, the kubelet's), all over one HealthState. Must outlive
// its server. Nothing here blocks, and a watch takes no thread.
//
// Check: NOT_FOUND for a name that is none of ours. Watch: the status now and each change of it
// once, in order, though a client that reads slowly gets only the newest; SERVICE_UNKNOWN for a
// name that is none of ours. A watch ends when the client leaves or with FinishWatches.
class HealthService final : public grpc::health::v1::Health::AsyncService, public QueuedService {
 public:
  // `state` must outlive the service.
  explicit HealthService(HealthState& state, HealthServiceOptions options = {});
  ~HealthService() override;
  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;

  grpc::Service& service() override { return *this; }
  void Listen(grpc::ServerCompletionQueue& queue) override;

  // Ends every watch, and each further one at once, with UNAVAILABLE: grpc::Server::Shutdown waits
  // for open streams. Call it before that.
  void FinishWatches();

 private:
  class CheckCall;
  class WatchStream;

  // Keeps `stream` until Forget; or says why it may not be.
  grpc::Status Admit(const std::shared_ptr<WatchStream>& stream);
  void Forget(WatchStream* stream);

  HealthState& state_;
  const HealthServiceOptions options_;
  absl::Mutex mutex_;
  // Shared with HealthState, which may be telling a stream of a change while it ends.
  absl::flat_hash_map<WatchStream*, std::shared_ptr<WatchStream>> streams_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace aquifer
