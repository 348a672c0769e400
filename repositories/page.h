// Opaque page tokens: a keyset (the last row's sort values) bound to the request it belongs to.
#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aquifer {

inline constexpr std::int32_t kDefaultPageSize = 50;

// A page of long rows ends after the row that reaches this, so that it fits the 4 MiB that clients
// take unless told otherwise, and a caller that reads slowly holds little of the server's memory.
inline constexpr std::size_t kMostPageBytes = std::size_t{2} * 1024 * 1024;

// The page size to use for a request's `page_size`, whose range was validated.
inline std::int32_t PageSize(std::int32_t asked) { return asked == 0 ? kDefaultPageSize : asked; }

// A token that resumes after the row with these sort values. It is bound to every field of
// `request` but `page_size` and `page_token`.
std::string EncodePageToken(const google::protobuf::Message& request,
                            const std::vector<std::string>& keys);

// The sort values in `token`: nullopt for an empty token (the first page). INVALID_ARGUMENT
// (PAGE_TOKEN_MISMATCH) if it was not made for this request with this many keys.
absl::StatusOr<std::optional<std::vector<std::string>>> DecodePageToken(
    const google::protobuf::Message& request, const std::string& token, std::size_t keys);

}  // namespace aquifer
