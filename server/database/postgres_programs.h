// Finding PostgreSQL's programs on this machine.
#pragma once

#include <absl/status/statusor.h>

#include <optional>
#include <string>

#include "server/database/account.h"

namespace aquifer {

inline constexpr int kOldestPostgres = 13;
inline constexpr int kNewestPostgres = 18;

struct PostgresPrograms {
  int major;
  std::string postgres;
  std::string initdb;
};

// Where Debian and the PGDG packages put them, a directory a major version.
inline constexpr char kPostgresRoot[] = "/usr/lib/postgresql";

// The programs in `bindir`, or, if that is empty, of the newest version below `root`. Data of an
// older version is not readable by a newer one, so `wanted_major` asks for exactly one. NOT_FOUND
// says which package to install.
//
// The program in `bindir` is run to learn its version, as `account`: never with our own rights,
// which may be root's.
absl::StatusOr<PostgresPrograms> FindPostgres(const std::string& bindir, const Account& account,
                                              std::optional<int> wanted_major,
                                              const std::string& root = kPostgresRoot);

}  // namespace aquifer
