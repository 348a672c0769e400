// Positions of a list as page tokens: where its next page begins.
#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <optional>
#include <string>

namespace aquifer {

// After the row with this id; ids begin with 1.
std::string EncodeIdPosition(const google::protobuf::Message& request, std::int64_t last);
// 0 before the first row. INVALID_ARGUMENT (PAGE_TOKEN_MISMATCH) as DecodePageToken.
absl::StatusOr<std::int64_t> DecodeIdPosition(const google::protobuf::Message& request,
                                              const std::string& token);

// After the row with this instant and id.
struct TimePosition {
  // For a parameter cast with ::timestamptz; NULL before the first row.
  std::optional<std::string> at;
  std::int64_t id = 0;
};

std::string EncodeTimePosition(const google::protobuf::Message& request,
                               const google::protobuf::Timestamp& at, std::int64_t id);
absl::StatusOr<TimePosition> DecodeTimePosition(const google::protobuf::Message& request,
                                                const std::string& token);

}  // namespace aquifer
