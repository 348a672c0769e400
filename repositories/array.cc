#include "repositories/array.h"

namespace aquifer {

void ArrayParameter::Add(absl::string_view text) {
  Separate();
  body_ += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') body_ += '\\';
    body_ += c;
  }
  body_ += '"';
}

void ArrayParameter::Add(std::int64_t number) {
  Separate();
  body_ += std::to_string(number);
}

void ArrayParameter::AddNull() {
  Separate();
  body_ += "NULL";
}

void ArrayParameter::Separate() {
  if (!body_.empty()) body_ += ',';
}

}  // namespace aquifer
