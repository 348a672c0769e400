#include "server/database/postgres_programs.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace aquifer {
namespace {

std::optional<PostgresPrograms> ProgramsIn(const std::string& bindir, int major) {
  PostgresPrograms programs{major, bindir + "/postgres", bindir + "/initdb"};
  if (access(programs.postgres.c_str(), X_OK) != 0) return std::nullopt;
  if (access(programs.initdb.c_str(), X_OK) != 0) return std::nullopt;
  return programs;
}

// The major version a bindir holds, from `pg_config`-free means: the layout .../N/bin, or the
// answer of `postgres --version` ("postgres (PostgreSQL) 15.20 (Debian ...)").
std::optional<int> MajorOf(const std::string& bindir) {
  std::string quoted;
  for (char c : bindir) absl::StrAppend(&quoted, c == '\'' ? "'\\''" : std::string(1, c));
  const std::string command = absl::StrCat("'", quoted, "/postgres' --version 2>/dev/null");
  FILE* output = popen(command.c_str(), "re");
  if (output == nullptr) return std::nullopt;
  std::array<char, 256> line = {};
  const bool answered = fgets(line.data(), line.size(), output) != nullptr;
  pclose(output);
  const std::vector<std::string> words = absl::StrSplit(line.data(), ' ');
  int major = 0;
  if (!answered || words.size() < 3) return std::nullopt;
  const std::string number = words[2].substr(0, words[2].find_first_not_of("0123456789"));
  if (!absl::SimpleAtoi(number, &major)) return std::nullopt;
  return major;
}

absl::StatusOr<PostgresPrograms> InGivenDirectory(const std::string& bindir,
                                                  std::optional<int> wanted_major) {
  const std::optional<PostgresPrograms> programs = ProgramsIn(bindir, 0);
  if (!programs) {
    return absl::NotFoundError(absl::StrCat("postgres_bindir ", bindir,
                                            " does not hold the programs postgres and initdb"));
  }
  const std::optional<int> major = MajorOf(bindir);
  if (!major || *major < kOldestPostgres || *major > kNewestPostgres) {
    return absl::NotFoundError(absl::StrCat("postgres_bindir ", bindir, " holds PostgreSQL ",
                                            major ? absl::StrCat(*major) : "of unknown version",
                                            "; versions ", kOldestPostgres, " to ", kNewestPostgres,
                                            " are supported"));
  }
  if (wanted_major && *major != *wanted_major) {
    return absl::NotFoundError(absl::StrCat("the data directory was made by PostgreSQL ",
                                            *wanted_major, ", but postgres_bindir ", bindir,
                                            " holds ", *major));
  }
  return PostgresPrograms{*major, programs->postgres, programs->initdb};
}

}  // namespace

absl::StatusOr<PostgresPrograms> FindPostgres(const std::string& bindir,
                                              std::optional<int> wanted_major,
                                              const std::string& root) {
  if (!bindir.empty()) return InGivenDirectory(bindir, wanted_major);
  for (int major = kNewestPostgres; major >= kOldestPostgres; --major) {
    if (wanted_major && major != *wanted_major) continue;
    const auto programs = ProgramsIn(absl::StrCat(root, "/", major, "/bin"), major);
    if (programs) return *programs;
  }
  if (wanted_major) {
    return absl::NotFoundError(
        absl::StrCat("the data directory was made by PostgreSQL ", *wanted_major,
                     ", which is not installed: apt-get install --yes postgresql-", *wanted_major,
                     " (or give its programs with --postgres-bindir)"));
  }
  return absl::NotFoundError(absl::StrCat(
      "no PostgreSQL ", kOldestPostgres, " to ", kNewestPostgres, " below ", root,
      ": apt-get install --yes postgresql (or give its programs with --postgres-bindir)"));
}

}  // namespace aquifer
