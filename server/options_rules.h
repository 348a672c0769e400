// What the text settings accept.
#pragma once

#include <absl/strings/string_view.h>

namespace aquifer {

bool IsHost(absl::string_view text);
bool IsInstance(absl::string_view text);
bool IsTimeZone(absl::string_view text);
bool IsPath(absl::string_view text);
// An absolute path that fits a socket's address and reads as itself in gRPC's "unix:PATH"; or
// empty, which means none.
bool IsSocketPath(absl::string_view text);
// Octal digits that leave the owner reading and writing: "0660".
bool IsSocketMode(absl::string_view text);
// A URL that libpq reads, with numbers for ports; or empty, which means the embedded PostgreSQL.
bool IsDatabaseUrl(absl::string_view text);

}  // namespace aquifer
