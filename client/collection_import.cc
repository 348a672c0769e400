#include <absl/time/clock.h>
#include <grpcpp/support/sync_stream.h>

#include <optional>
#include <utility>

#include "aquifer/collection_writers.h"
#include "aquifer/v1/collection.grpc.pb.h"
#include "client/attempt.h"
#include "client/caller.h"
#include "client/line_batch.h"
#include "client/methods.h"

namespace aquifer::client {
namespace {

// The method's own deadline bounds a message, not the stream.
absl::Time EndOf(const CallOptions& options) {
  return options.timeout ? absl::Now() + *options.timeout : absl::InfiniteFuture();
}

}  // namespace

struct CollectionImport::Parts {
  Parts(const Caller& caller, const CallOptions& options)
      : stub(v1::CollectionRepository::NewStub(caller.channel())),
        attempt(Called(*MethodOf(*v1::ImportCollectionsRequest::descriptor())).name, 1,
                EndOf(options), options, caller.options()),
        status(attempt.fitness()) {
    if (status.ok()) writer = stub->ImportCollections(&attempt.context(), &response);
  }

  ~Parts() {
    if (writer == nullptr) return;
    attempt.context().TryCancel();
    End();
  }

  void Send() {
    if (!writer->Write(batch.request())) End();
    batch.Clear();
  }

  // The writer must not be destroyed while its call is under way.
  void End() {
    status = attempt.End(writer->Finish());
    writer.reset();
  }

  const std::unique_ptr<v1::CollectionRepository::Stub> stub;
  Attempt attempt;
  LineBatch<v1::ImportCollectionsRequest> batch;
  v1::ImportCollectionsResponse response;
  // Null once the call has ended.
  std::unique_ptr<grpc::ClientWriter<v1::ImportCollectionsRequest>> writer;
  absl::Status status;
};

CollectionImport::CollectionImport(const Caller& caller, const CallOptions& options)
    : parts_(std::make_unique<Parts>(caller, options)) {}
CollectionImport::~CollectionImport() = default;
CollectionImport::CollectionImport(CollectionImport&&) noexcept = default;
CollectionImport& CollectionImport::operator=(CollectionImport&&) noexcept = default;

absl::Status CollectionImport::Add(v1::CollectionLine line) {
  if (parts_->writer == nullptr) return parts_->status;
  parts_->batch.Add(std::move(line));
  if (parts_->batch.full()) parts_->Send();
  return parts_->status;
}

absl::StatusOr<v1::ImportCollectionsResponse> CollectionImport::Finish() {
  if (parts_->writer != nullptr && !parts_->batch.empty()) parts_->Send();
  if (parts_->writer != nullptr) {
    parts_->writer->WritesDone();
    parts_->End();
  }
  if (!parts_->status.ok()) return parts_->status;
  return parts_->response;
}

}  // namespace aquifer::client
