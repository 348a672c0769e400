#include "client/fake_call.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include <utility>

#include "aquifer/error.h"
#include "client/wire_status.h"

namespace aquifer::client {
namespace {

constexpr char kPushbackKey[] = "grpc-retry-pushback-ms";

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

}  // namespace

FakeCall::FakeCall(grpc::GenericCallbackServerContext& context, Answer answer)
    : context_(context), answer_(std::move(answer)) {
  StartRead(&buffer_);
}

void FakeCall::OnReadDone(bool ok) {
  if (ok) {
    requests_.push_back(BytesOf(buffer_));
    return StartRead(&buffer_);
  }
  if (requests_.empty() && context_.IsCancelled()) return Finish(grpc::Status::CANCELLED);
  auto responses = answer_(requests_);
  if (!responses.ok()) return FinishWith(responses.status());
  responses_ = *std::move(responses);
  WriteNext();
}

void FakeCall::OnWriteDone(bool ok) {
  if (!ok) return Finish(grpc::Status::CANCELLED);
  WriteNext();
}

void FakeCall::WriteNext() {
  if (written_ == responses_.size()) return Finish(grpc::Status::OK);
  const grpc::Slice slice(responses_[written_++]);
  buffer_ = grpc::ByteBuffer(&slice, 1);
  StartWrite(&buffer_);
}

void FakeCall::FinishWith(const absl::Status& status) {
  if (const auto delay = DetailsOf(status).retry_after) {
    context_.AddTrailingMetadata(kPushbackKey, absl::StrCat(absl::ToInt64Milliseconds(*delay)));
  }
  Finish(ToGrpc(status));
}

}  // namespace aquifer::client
