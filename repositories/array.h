// A list as one bound parameter: the text form of a PostgreSQL array, built element by element.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>
#include <string>

namespace aquifer {

// Collects elements and renders `{1,"a \"b\"",NULL}`. The statement casts the parameter:
// `unnest($1::text[])`. Holds values only, so no text in it can become SQL.
class ArrayParameter {
 public:
  void Add(absl::string_view text);
  void Add(std::int64_t number);
  void AddNull();

  bool empty() const { return body_.empty(); }
  // The literal to bind.
  std::string Text() const { return "{" + body_ + "}"; }

 private:
  void Separate();

  std::string body_;
};

// A whole repeated field at once. NULL if it is empty and empty means "any".
template <typename Repeated>
std::string ArrayOf(const Repeated& values) {
  ArrayParameter array;
  for (const auto& value : values) array.Add(value);
  return array.Text();
}

template <typename Repeated>
std::optional<std::string> ArrayOrNull(const Repeated& values) {
  if (values.empty()) return std::nullopt;
  return ArrayOf(values);
}

}  // namespace aquifer
