#include "client/cli/credentials.h"

#include <absl/status/statusor.h>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace aquifer::cli {
namespace {

// A system's whole list of authorities is a quarter of that; a device file has no end.
constexpr std::size_t kLargestFile = std::size_t{1024} * 1024;

absl::Status Wrong(absl::string_view flag, const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(flag, " ", path, ": ", what));
}

absl::StatusOr<std::string> ReadFile(absl::string_view flag, const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  // A directory opens and fails when it is read.
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return Wrong(flag, path, errno == 0 ? "cannot be read" : std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) return Wrong(flag, path, "is larger than 1 MiB");
  return text;
}

// Into `text`, if there is a path.
absl::Status ReadPem(absl::string_view flag, const std::string& path, absl::string_view kind,
                     std::string& text) {
  if (path.empty()) return absl::OkStatus();
  auto read = ReadFile(flag, path);
  if (!read.ok()) return read.status();
  // gRPC would only say that nobody answers.
  if (!absl::StrContains(*read, "-----BEGIN ") || !absl::StrContains(*read, kind)) {
    return Wrong(flag, path, absl::StrCat("holds no ", kind, " in PEM form"));
  }
  text = *std::move(read);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  auto read = ReadFile("--token-file", path);
  if (!read.ok()) return read.status();
  std::string token(absl::StripAsciiWhitespace(*read));
  if (token.empty()) return Wrong("--token-file", path, "is empty");
  // Anything else cannot stand in a header, and is a sign of the wrong file.
  if (!std::all_of(token.begin(), token.end(), absl::ascii_isgraph)) {
    return Wrong("--token-file", path, "is not one word of visible ASCII characters");
  }
  return token;
}

}  // namespace

absl::Status AddCredentials(const CredentialFiles& files, client::ConnectOptions& options) {
  if (!files.authorities.empty() || !files.certificate.empty() || !files.private_key.empty()) {
    if (!options.tls) options.tls.emplace();
    for (const absl::Status& status :
         {ReadPem("--tls-ca", files.authorities, "CERTIFICATE", options.tls->root_certificates),
          ReadPem("--tls-cert", files.certificate, "CERTIFICATE", options.tls->certificate),
          ReadPem("--tls-key", files.private_key, "PRIVATE KEY", options.tls->private_key)}) {
      if (!status.ok()) return status;
    }
  }
  if (files.token.empty()) return absl::OkStatus();
  auto token = ReadToken(files.token);
  if (!token.ok()) return token.status();
  std::error_code ignored;
  if (std::filesystem::is_regular_file(files.token, ignored)) {
    options.token = [path = files.token] { return ReadToken(path); };
  } else {
    // A pipe gives it once, and would be waited for ever after.
    options.token = [token = *std::move(token)] { return token; };
  }
  return absl::OkStatus();
}

}  // namespace aquifer::cli
