#include "server/redact_url.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <string>
#include <vector>

namespace aquifer {
namespace {

constexpr absl::string_view kHidden = "***";

// A keyword written with %-escapes could be "password" too.
bool IsSecretKey(absl::string_view key) {
  return absl::StrContains(absl::AsciiStrToLower(key), "password") || absl::StrContains(key, '%');
}

// "a=b&password=c" with the values of secret keys hidden.
std::string RedactParameters(absl::string_view parameters) {
  std::vector<std::string> shown;
  for (absl::string_view parameter : absl::StrSplit(parameters, '&')) {
    const std::size_t equals = parameter.find('=');
    const absl::string_view key = parameter.substr(0, equals);
    shown.push_back(equals != absl::string_view::npos && IsSecretKey(key)
                        ? absl::StrCat(key, "=", kHidden)
                        : std::string(parameter));
  }
  return absl::StrJoin(shown, "&");
}

}  // namespace

std::string RedactUrl(absl::string_view url) {
  if (url.empty()) return "";
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == absl::string_view::npos) return std::string(kHidden);
  const absl::string_view scheme = url.substr(0, scheme_end + 3);
  absl::string_view place = url.substr(scheme_end + 3);
  absl::string_view parameters;
  const std::size_t question = place.find('?');
  if (question != absl::string_view::npos) {
    parameters = place.substr(question);
    place = place.substr(0, question);
  }
  // Then the '?' may be part of a password, and nobody can tell where that ends.
  if (absl::StrContains(parameters, '@')) return absl::StrCat(scheme, kHidden);

  std::string user;
  const std::size_t at = place.rfind('@');
  if (at != absl::string_view::npos) {
    const absl::string_view credentials = place.substr(0, at);
    const std::size_t colon = credentials.find(':');
    user = absl::StrCat(credentials.substr(0, colon),
                        colon == absl::string_view::npos ? "" : absl::StrCat(":", kHidden), "@");
    place = place.substr(at + 1);
  }
  return absl::StrCat(scheme, user, place,
                      parameters.empty() ? "" : "?" + RedactParameters(parameters.substr(1)));
}

}  // namespace aquifer
