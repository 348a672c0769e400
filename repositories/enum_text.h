// Enum values as SQL spells them: TASK_STATUS_IN_PROGRESS is 'in_progress'. A column's CHECK lists
// the same words, and a test compares the two.
#pragma once

#include <absl/strings/string_view.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/generated_enum_reflection.h>

#include <optional>
#include <string>
#include <vector>

#include "repositories/array.h"
#include "repositories/errors.h"

namespace aquifer {

// Empty for a number that is not declared.
std::string EnumText(const google::protobuf::EnumDescriptor& type, int value);
// 0 for a text that is none of them.
int EnumNumber(const google::protobuf::EnumDescriptor& type, absl::string_view text);

// 'in_progress'.
template <typename Enum>
std::string EnumText(Enum value) {
  return EnumText(*google::protobuf::GetEnumDescriptor<Enum>(), value);
}

template <typename Enum>
Enum EnumFrom(absl::string_view text) {
  return static_cast<Enum>(EnumNumber(*google::protobuf::GetEnumDescriptor<Enum>(), text));
}

// NULL for UNSPECIFIED.
template <typename Enum>
std::optional<std::string> EnumTextOrNull(Enum value) {
  if (value == Enum()) return std::nullopt;
  return EnumText(value);
}

// A list as one array parameter; NULL if it is empty and empty means "any".
template <typename Enum, typename Repeated>
std::optional<std::string> EnumsOrNull(const Repeated& values) {
  if (values.empty()) return std::nullopt;
  ArrayParameter array;
  for (const int value : values) array.Add(EnumText(static_cast<Enum>(value)));
  return array.Text();
}

// Adds a violation where the list `field` holds UNSPECIFIED, which no filter can mean.
template <typename Repeated>
void RefuseUnspecified(const Repeated& values, const std::string& field,
                       std::vector<FieldViolation>& violations) {
  for (const int value : values) {
    if (value != 0) continue;
    violations.push_back({field, "must not hold UNSPECIFIED"});
    return;
  }
}

}  // namespace aquifer
