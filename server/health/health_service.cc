#include "server/health/health_service.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace aquifer {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

HealthCheckResponse::ServingStatus ToProto(std::optional<ServingStatus> status) {
  if (!status.has_value()) return HealthCheckResponse::SERVICE_UNKNOWN;
  return *status == ServingStatus::kServing ? HealthCheckResponse::SERVING
                                            : HealthCheckResponse::NOT_SERVING;
}

grpc::Status ShuttingDown() {
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is shutting down");
}

}  // namespace

class HealthService::CheckCall final : private QueuedCall {
 public:
  CheckCall(HealthService& service, grpc::ServerCompletionQueue& queue)
      : service_(service), queue_(queue), responder_(&context_) {}

  void Listen() {
    service_.RequestCheck(&context_, &request_, &responder_, &queue_, &queue_, Arrival());
  }

 private:
  void OnArrived() override {
    (new CheckCall(service_, queue_))->Listen();
    const std::optional<ServingStatus> status = service_.state_.StatusOf(request_.service());
    if (status.has_value()) {
      HealthCheckResponse response;
      response.set_status(ToProto(status));
      responder_.Finish(response, grpc::Status::OK, End());
    } else {
      responder_.FinishWithError(grpc::Status(grpc::StatusCode::NOT_FOUND, "unknown service name"),
                                 End());
    }
  }

  HealthService& service_;
  grpc::ServerCompletionQueue& queue_;
  HealthCheckRequest request_;
  grpc::ServerAsyncResponseWriter<HealthCheckResponse> responder_;
};

// One watch. At most one operation is under way at a time; which comes next is decided under the
// lock and started after it.
class HealthService::WatchStream final : private QueuedCall, public HealthWatcher {
 public:
  WatchStream(HealthService& service, grpc::ServerCompletionQueue& queue)
      : service_(service), state_(service.state_), queue_(queue), writer_(&context_) {}

  void Listen() {
    service_.RequestWatch(&context_, &request_, &writer_, &queue_, &queue_, Arrival());
  }

  // Starts what comes next: a status the client has not seen, or the end.
  void Advance() {
    switch (Decide()) {
      case Next::kNone:
        break;
      case Next::kWrite:
        writer_.Write(response_, Step());
        break;
      case Next::kFinish:
        // A client that left reads no status, so there is only one to give.
        writer_.Finish(ShuttingDown(), End());
        break;
    }
  }

  // Ends it, once the client has been sent the newest status.
  void EndSoon() {
    {
      absl::MutexLock lock(&mutex_);
      ending_ = true;
    }
    Advance();
  }

  void OnHealthChanged() override { Advance(); }

 private:
  enum class Next { kNone, kWrite, kFinish };

  void OnArrived() override {
    (new WatchStream(service_, queue_))->Listen();
    self_.reset(this);
    // A name that is none of ours may be of any length and is not kept; "unknown" is none of ours.
    name_ = state_.StatusOf(request_.service()).has_value() ? request_.service() : "unknown";
    if (const grpc::Status status = service_.Admit(self_); !status.ok()) {
      writer_.Finish(status, End());
      return;
    }
    // Subscribed before the first look, so that no change falls between the two.
    state_.Subscribe(self_);
    Advance();
  }

  void OnStep(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      if (!ok) left_ = true;
    }
    Advance();
  }

  void OnCancelled() override {
    {
      absl::MutexLock lock(&mutex_);
      left_ = true;
    }
    Advance();
  }

  void OnGone() override {
    state_.Unsubscribe(this);
    service_.Forget(this);
    // HealthState may be telling it of a change still.
    const std::shared_ptr<WatchStream> last = std::move(self_);
  }

  Next Decide() {
    absl::MutexLock lock(&mutex_);
    if (writing_ || finishing_) return Next::kNone;
    if (!left_) {
      const HealthCheckResponse::ServingStatus now = ToProto(state_.StatusOf(name_));
      if (now != sent_) {
        sent_ = now;
        response_.set_status(now);
        writing_ = true;
        return Next::kWrite;
      }
      if (!ending_) return Next::kNone;
    }
    finishing_ = true;
    return Next::kFinish;
  }

  HealthService& service_;
  HealthState& state_;
  grpc::ServerCompletionQueue& queue_;
  HealthCheckRequest request_;
  grpc::ServerAsyncWriter<HealthCheckResponse> writer_;
  // Itself, from its arrival until it is gone.
  std::shared_ptr<WatchStream> self_;
  std::string name_;
  // Belongs to gRPC while a write is under way.
  HealthCheckResponse response_;

  absl::Mutex mutex_;
  std::optional<HealthCheckResponse::ServingStatus> sent_ ABSL_GUARDED_BY(mutex_);
  // A write is under way.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  // The client is gone.
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
};

HealthService::HealthService(HealthState& state, HealthServiceOptions options)
    : state_(state), options_(options) {}

HealthService::~HealthService() = default;

void HealthService::Listen(grpc::ServerCompletionQueue& queue) {
  (new CheckCall(*this, queue))->Listen();
  (new WatchStream(*this, queue))->Listen();
}

grpc::Status HealthService::Admit(const std::shared_ptr<WatchStream>& stream) {
  absl::MutexLock lock(&mutex_);
  if (finished_) return ShuttingDown();
  if (streams_.size() >= static_cast<std::size_t>(options_.max_watches)) {
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watches are open");
  }
  streams_.emplace(stream.get(), stream);
  return grpc::Status::OK;
}

void HealthService::FinishWatches() {
  std::vector<std::shared_ptr<WatchStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    finished_ = true;
    streams.reserve(streams_.size());
    for (const auto& [key, stream] : streams_) streams.push_back(stream);
  }
  for (const std::shared_ptr<WatchStream>& stream : streams) {
    stream->EndSoon();
  }
}

void HealthService::Forget(WatchStream* stream) {
  std::shared_ptr<WatchStream> removed;
  absl::MutexLock lock(&mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  removed = std::move(found->second);
  streams_.erase(found);
}

}  // namespace aquifer
