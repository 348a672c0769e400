#include "aquifer/error.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>

#include "google/rpc/error_details.pb.h"

namespace aquifer::client {
namespace {

// Under which a detail of this kind is a payload.
template <typename Detail>
std::string UrlOf() {
  return absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name());
}

template <typename Detail>
void Add(const Detail& detail, absl::Status& status) {
  status.SetPayload(UrlOf<Detail>(), absl::Cord(detail.SerializeAsString()));
}

// The detail of this kind; nothing if the status has none.
template <typename Detail>
std::optional<Detail> Find(const absl::Status& status) {
  const auto payload = status.GetPayload(UrlOf<Detail>());
  Detail detail;
  if (!payload || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

}  // namespace

ErrorDetails DetailsOf(const absl::Status& status) {
  ErrorDetails result;
  if (const auto info = Find<google::rpc::ErrorInfo>(status)) {
    result.reason = info->reason();
    result.metadata.insert(info->metadata().begin(), info->metadata().end());
  }
  if (const auto request = Find<google::rpc::BadRequest>(status)) {
    for (const auto& violation : request->field_violations()) {
      result.fields.push_back({violation.field(), violation.description()});
    }
  }
  if (const auto retry = Find<google::rpc::RetryInfo>(status)) {
    result.retry_after = absl::Seconds(retry->retry_delay().seconds()) +
                         absl::Nanoseconds(retry->retry_delay().nanos());
  }
  if (const auto request = Find<google::rpc::RequestInfo>(status)) {
    result.call_id = request->request_id();
  }
  return result;
}

std::string ReasonOf(const absl::Status& status) {
  const auto info = Find<google::rpc::ErrorInfo>(status);
  return info ? info->reason() : "";
}

absl::Status ErrorWith(absl::StatusCode code, absl::string_view message,
                       const ErrorDetails& details) {
  absl::Status status(code, message);
  google::rpc::ErrorInfo info;
  info.set_reason(details.reason);
  info.set_domain("aquifer");
  info.mutable_metadata()->insert(details.metadata.begin(), details.metadata.end());
  Add(info, status);
  google::rpc::BadRequest request;
  for (const FieldError& field : details.fields) {
    auto& violation = *request.add_field_violations();
    violation.set_field(field.field);
    violation.set_description(field.description);
  }
  if (!details.fields.empty()) Add(request, status);
  if (details.retry_after) {
    google::rpc::RetryInfo retry;
    const absl::Duration delay = *details.retry_after;
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(delay));
    retry.mutable_retry_delay()->set_nanos(static_cast<std::int32_t>(
        absl::ToInt64Nanoseconds(delay - absl::Seconds(absl::ToInt64Seconds(delay)))));
    Add(retry, status);
  }
  if (!details.call_id.empty()) {
    google::rpc::RequestInfo call;
    call.set_request_id(details.call_id);
    Add(call, status);
  }
  return status;
}

}  // namespace aquifer::client
