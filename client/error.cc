#include "aquifer/error.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>

#include "google/rpc/error_details.pb.h"

namespace aquifer::client {
namespace {

// The detail of this kind; nothing if the status has none.
template <typename Detail>
std::optional<Detail> Find(const absl::Status& status) {
  const auto payload =
      status.GetPayload(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()));
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

}  // namespace aquifer::client
