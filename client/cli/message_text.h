// Fields of messages as people write and read them.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <vector>

namespace aquifer::cli {

// The field at a path such as "filter.days"; null if there is none.
const google::protobuf::FieldDescriptor* FieldAt(const google::protobuf::Descriptor& message,
                                                 absl::string_view path);

// Sets the field at `path`, which must exist: to all of `texts` if it is repeated, else to their
// one. A day is "2026-03-28", days are one day or "2026-03-01..2026-03-31", an instant is
// "2026-03-28T12:05:09Z", a word of an enum is its name without the enum's: "filter-replacement".
// INVALID_ARGUMENT tells what would have been right.
absl::Status SetField(google::protobuf::Message& message, absl::string_view path,
                      const std::vector<std::string>& texts);

// The field at `path`, which must exist, for a cell: the same forms, amounts ("_minor") as
// "1520.00", nothing where the message has nothing.
std::string TextOf(const google::protobuf::Message& message, absl::string_view path);

// What to write for a field of this type, for a help: "DAY", or "low|medium|high|critical".
std::string PlaceholderOf(const google::protobuf::FieldDescriptor& field);

// "1520.00" of 152000.
std::string MoneyText(std::int64_t minor);

}  // namespace aquifer::cli
