#include <utility>

#include "aquifer/collection_writers.h"
#include "client/caller.h"
#include "client/line_batch.h"
#include "client/methods.h"

namespace aquifer::client {
namespace {

void Add(const v1::RecordCounts& more, v1::RecordCounts& counts) {
  counts.set_inserted(counts.inserted() + more.inserted());
  counts.set_updated(counts.updated() + more.updated());
  counts.set_unchanged(counts.unchanged() + more.unchanged());
  counts.set_skipped(counts.skipped() + more.skipped());
  counts.set_rejected(counts.rejected() + more.rejected());
}

}  // namespace

struct CollectionWriter::Parts {
  const Caller& caller;
  const OnOutcome on_outcome;
  const CallOptions options;
  LineBatch<v1::RecordCollectionsRequest> batch = {};
  v1::RecordCounts counts = {};
  std::int64_t acknowledged = 0;
  absl::Status status = absl::OkStatus();

  void Store() {
    const auto& request = batch.request();
    v1::RecordCollectionsResponse response;
    status = caller.Call(Called(*MethodOf(*request.GetDescriptor())), request, response, options);
    if (!status.ok()) return;
    for (int i = 0; i < response.results_size(); ++i) {
      ++acknowledged;
      if (on_outcome) on_outcome({acknowledged, request.lines(i), response.results(i)});
    }
    client::Add(response.counts(), counts);
    batch.Clear();
  }
};

CollectionWriter::CollectionWriter(const Caller& caller, OnOutcome on_outcome,
                                   const CallOptions& options)
    : parts_(new Parts{caller, std::move(on_outcome), options}) {}
CollectionWriter::~CollectionWriter() = default;
CollectionWriter::CollectionWriter(CollectionWriter&&) noexcept = default;
CollectionWriter& CollectionWriter::operator=(CollectionWriter&&) noexcept = default;

absl::Status CollectionWriter::Add(v1::CollectionLine line) {
  if (!parts_->status.ok()) return parts_->status;
  parts_->batch.Add(std::move(line));
  if (parts_->batch.full()) parts_->Store();
  return parts_->status;
}

absl::StatusOr<v1::RecordCounts> CollectionWriter::Finish() {
  if (parts_->status.ok() && !parts_->batch.empty()) parts_->Store();
  if (!parts_->status.ok()) return parts_->status;
  return parts_->counts;
}

std::int64_t CollectionWriter::acknowledged() const { return parts_->acknowledged; }

}  // namespace aquifer::client
