#include "repositories/position.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "repositories/page.h"
#include "repositories/row.h"

namespace aquifer {
namespace {

// A number exactly as a token's maker writes it.
bool ParseKey(const std::string& text, std::int64_t& number) {
  return absl::SimpleAtoi(text, &number) && absl::StrCat(number) == text;
}

}  // namespace

std::string EncodeIdPosition(const google::protobuf::Message& request, std::int64_t last) {
  return EncodePageToken(request, {absl::StrCat(last)});
}

absl::StatusOr<std::int64_t> DecodeIdPosition(const google::protobuf::Message& request,
                                              const std::string& token) {
  const auto keys = DecodePageToken(request, token, 1);
  if (!keys.ok()) return keys.status();
  if (!keys->has_value()) return 0;
  std::int64_t id = 0;
  if (!ParseKey((**keys)[0], id) || id < 1) return PageTokenMismatch();
  return id;
}

std::string EncodeTimePosition(const google::protobuf::Message& request,
                               const google::protobuf::Timestamp& at, std::int64_t id) {
  return EncodePageToken(request,
                         {absl::StrCat(at.seconds()), absl::StrCat(at.nanos()), absl::StrCat(id)});
}

absl::StatusOr<TimePosition> DecodeTimePosition(const google::protobuf::Message& request,
                                                const std::string& token) {
  const auto keys = DecodePageToken(request, token, 3);
  if (!keys.ok()) return keys.status();
  if (!keys->has_value()) return TimePosition{};

  std::int64_t seconds = 0, nanos = 0, id = 0;
  if (!ParseKey((**keys)[0], seconds) || !ParseKey((**keys)[1], nanos) ||
      !ParseKey((**keys)[2], id)) {
    return PageTokenMismatch();
  }
  google::protobuf::Timestamp at;
  at.set_seconds(seconds);
  at.set_nanos(static_cast<std::int32_t>(nanos));
  if (at.nanos() != nanos || id < 1 || !CheckFieldRules(at).empty()) return PageTokenMismatch();
  return TimePosition{InstantText(at), id};
}

}  // namespace aquifer
