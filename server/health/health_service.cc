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

// A watch that is refused.
class RefusedStream final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

// One watch. gRPC owns it from Watch to OnDone, which is when the service forgets it.
//
// At most one operation is under way at a time; which comes next is decided under the lock and
// started after it.
class HealthService::WatchStream final : public grpc::ServerWriteReactor<HealthCheckResponse>,
                                         public HealthWatcher {
 public:
  WatchStream(HealthService& service, HealthState& state, std::string name)
      : service_(service), state_(state), name_(std::move(name)) {}

  // Starts what comes next: a status the client has not seen, or the end.
  void Advance() {
    switch (Decide()) {
      case Step::kNone:
        break;
      case Step::kWrite:
        StartWrite(&response_);
        break;
      case Step::kFinish:
        // A client that left reads no status, so there is only one to give.
        Finish(ShuttingDown());
        break;
    }
  }

  // Ends it, once the client has been sent the newest status.
  void End() {
    {
      absl::MutexLock lock(&mutex_);
      ending_ = true;
    }
    Advance();
  }

  void OnHealthChanged() override { Advance(); }

  void OnWriteDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      if (!ok) left_ = true;
    }
    Advance();
  }

  void OnCancel() override {
    {
      absl::MutexLock lock(&mutex_);
      left_ = true;
    }
    Advance();
  }

  void OnDone() override {
    state_.Unsubscribe(this);
    service_.Forget(this);
  }

 private:
  enum class Step { kNone, kWrite, kFinish };

  Step Decide() {
    absl::MutexLock lock(&mutex_);
    if (writing_ || finishing_) return Step::kNone;
    if (!left_) {
      const HealthCheckResponse::ServingStatus now = ToProto(state_.StatusOf(name_));
      if (now != sent_) {
        sent_ = now;
        response_.set_status(now);
        writing_ = true;
        return Step::kWrite;
      }
      if (!ending_) return Step::kNone;
    }
    finishing_ = true;
    return Step::kFinish;
  }

  HealthService& service_;
  HealthState& state_;
  const std::string name_;
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

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const std::optional<ServingStatus> status = state_.StatusOf(request->service());
  if (status.has_value()) {
    response->set_status(ToProto(status));
    reactor->Finish(grpc::Status::OK);
  } else {
    reactor->Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "unknown service name"));
  }
  return reactor;
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(
    grpc::CallbackServerContext*, const HealthCheckRequest* request) {
  // A name that is none of ours may be of any length and is not kept; "unknown" is none of ours.
  const bool known = state_.StatusOf(request->service()).has_value();
  auto stream =
      std::make_shared<WatchStream>(*this, state_, known ? request->service() : "unknown");
  {
    absl::MutexLock lock(&mutex_);
    if (finished_) {
      return new RefusedStream(ShuttingDown());
    }
    if (streams_.size() >= static_cast<std::size_t>(options_.max_watches)) {
      return new RefusedStream(
          grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watches are open"));
    }
    streams_.emplace(stream.get(), stream);
  }
  // Subscribed before the first look, so that no change falls between the two.
  state_.Subscribe(stream);
  stream->Advance();
  return stream.get();
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
    stream->End();
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
