#include "server/options_rules.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <libpq-fe.h>

#include <algorithm>
#include <memory>
#include <string>

namespace aquifer {
namespace {

// Between 1 and `most` letters, digits or characters of `others`.
bool IsMadeOf(absl::string_view text, std::size_t most, absl::string_view others) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(), [&](unsigned char c) {
           return absl::ascii_isalnum(c) || absl::StrContains(others, static_cast<char>(c));
         });
}

bool ArePorts(absl::string_view ports) {
  for (absl::string_view port : absl::StrSplit(ports, ',')) {
    int number = 0;
    if (port.empty()) continue;
    if (!absl::SimpleAtoi(port, &number) || number < 1 || number > 65535) return false;
  }
  return true;
}

}  // namespace

bool IsHost(absl::string_view text) { return IsMadeOf(text, 253, ".-:_[]"); }

// Short enough to leave room in application_name, which PostgreSQL cuts at 63 bytes.
bool IsInstance(absl::string_view text) { return IsMadeOf(text, 40, ".-_"); }

bool IsTimeZone(absl::string_view text) { return IsMadeOf(text, 64, "_/+-"); }

bool IsPath(absl::string_view text) {
  return !text.empty() && text.size() < 4096 && !absl::StrContains(text, '\0');
}

// sun_path has 108 bytes, the last of them the end of the text.
bool IsSocketPath(absl::string_view text) {
  return text.empty() || (text.front() == '/' && IsMadeOf(text, 107, "/._-+@"));
}

bool IsSocketMode(absl::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  return text.size() == 4 && text[0] == '0' && (text[1] == '6' || text[1] == '7') &&
         is_octal(text[2]) && is_octal(text[3]);
}

bool IsDatabaseUrl(absl::string_view text) {
  if (text.empty()) return true;
  if (!absl::StartsWith(text, "postgresql://") && !absl::StartsWith(text, "postgres://")) {
    return false;
  }
  if (absl::StrContains(text, '\0')) return false;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parts(
      PQconninfoParse(std::string(text).c_str(), nullptr), PQconninfoFree);
  if (parts == nullptr) return false;
  for (const PQconninfoOption* part = parts.get(); part->keyword != nullptr; ++part) {
    // An unescaped '/' in a password makes the rest look like a host and a port; catch it here,
    // for libpq only says so when it connects.
    if (part->val != nullptr && absl::string_view(part->keyword) == "port" &&
        !ArePorts(part->val)) {
      return false;
    }
  }
  return true;
}

}  // namespace aquifer
