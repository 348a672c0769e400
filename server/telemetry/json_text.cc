#include "server/telemetry/json_text.h"

#include <absl/strings/str_format.h>

#include <algorithm>

namespace aquifer {

void AppendJsonText(std::string& out, absl::string_view text) {
  out += '"';
  const auto reserved = [](unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; };
  if (std::none_of(text.begin(), text.end(), reserved)) {
    out.append(text.data(), text.size());
    out += '"';
    return;
  }
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", c);
    } else {
      out += static_cast<char>(c);
    }
  }
  out += '"';
}

std::string JsonText(absl::string_view text) {
  std::string out;
  AppendJsonText(out, text);
  return out;
}

}  // namespace aquifer
