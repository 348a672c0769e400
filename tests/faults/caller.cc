#include "tests/faults/caller.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <utility>

#include "tests/faults/repeats.h"

namespace aquifer::testing {
namespace {

// 2026-03-01 in Kyiv.
constexpr std::int64_t kFirstSecond = 1772316000;
constexpr absl::Duration kPatience = absl::Seconds(5);
// How long a caller goes on for one answer; beyond it the service counts as gone.
constexpr absl::Duration kLongest = absl::Seconds(60);
constexpr absl::Duration kBetweenTries = absl::Milliseconds(20);

}  // namespace

Caller::Caller(int number, std::shared_ptr<grpc::Channel> channel)
    : device_(absl::StrCat("device-", number)),
      collections_(v1::CollectionRepository::NewStub(channel)),
      maintenance_(v1::MaintenanceRepository::NewStub(channel)) {}

void Caller::Run() {
  for (int turn = 0; !stopping_; ++turn) {
    RecordLine();
    if (turn % 2 == 0) CorrectLastLine();
    if (turn % 3 == 0) CreateTask();
  }
}

void Caller::RecordLine() {
  v1::RecordCollectionRequest request;
  const auto number = static_cast<std::int64_t>(history_.lines.size());
  request.mutable_line()->set_device_id(device_);
  request.mutable_line()->mutable_collected_at()->set_seconds(kFirstSecond + number);
  request.mutable_line()->set_banknotes_minor(number + 1);
  const bool stored = CallUntilAnswered([&](grpc::ClientContext& context) {
    v1::RecordCollectionResponse response;
    const grpc::Status status = collections_->RecordCollection(&context, request, &response);
    last_ = response.collection();
    return status;
  });
  if (stored) history_.lines.push_back({kFirstSecond + number, number + 1, false});
}

void Caller::CorrectLastLine() {
  if (history_.lines.empty()) return;
  v1::CorrectCollectionRequest request;
  request.set_id(last_.id());
  request.set_version(last_.version());
  request.set_coins_minor(7);
  request.set_reason("conservation");
  request.set_request_id(NewRequestId(random_));
  const bool corrected = CallUntilAnswered([&](grpc::ClientContext& context) {
    v1::CorrectCollectionResponse response;
    return collections_->CorrectCollection(&context, request, &response);
  });
  if (corrected) history_.lines.back().corrected = true;
}

void Caller::CreateTask() {
  v1::CreateTaskRequest request;
  const std::string title = absl::StrCat(device_, " task ", history_.tasks.size());
  request.mutable_details()->set_title(title);
  request.mutable_details()->set_type(v1::TASK_TYPE_SYSTEM_CLEANING);
  request.set_request_id(NewRequestId(random_));
  const bool created = CallUntilAnswered([&](grpc::ClientContext& context) {
    v1::CreateTaskResponse response;
    return maintenance_->CreateTask(&context, request, &response);
  });
  if (created) history_.tasks.push_back(title);
}

bool Caller::CallUntilAnswered(absl::FunctionRef<grpc::Status(grpc::ClientContext&)> call) {
  const absl::Time end = absl::Now() + kLongest;
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    // gRPC's new connection is driven by calls that wait for it. When all of them fail at once
    // instead, it is looked at every 5 s.
    context.set_wait_for_ready(true);
    const grpc::Status status = call(context);
    if (status.ok()) {
      ++acknowledged_;
      return true;
    }
    if (!MayRepeat(status) || absl::Now() > end) {
      history_.wrongs.push_back(absl::StrCat(
          device_, ": code ", static_cast<int>(status.error_code()), " ", status.error_message()));
      stopping_ = true;
      return false;
    }
    ++repeated_;
    absl::SleepFor(kBetweenTries);
  }
}

}  // namespace aquifer::testing
