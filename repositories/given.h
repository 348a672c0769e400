// Parameters that are NULL where a caller gave nothing, so that a statement leaves what is stored.
#pragma once

#include <optional>
#include <string>

#include "repositories/row.h"

namespace aquifer {

template <typename Value>
std::optional<Value> Given(bool has, const Value& value) {
  return has ? std::optional<Value>(value) : std::nullopt;
}

// As text, for ::timestamptz.
inline std::optional<std::string> GivenInstant(bool has, const google::protobuf::Timestamp& at) {
  return has ? std::optional<std::string>(InstantText(at)) : std::nullopt;
}

}  // namespace aquifer
