#include "server/database/postgres_programs.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "server/database/child_process.h"

namespace aquifer {
namespace {

constexpr absl::Duration kVersionTimeout = absl::Seconds(10);

std::optional<PostgresPrograms> ProgramsIn(const std::string& bindir, int major) {
  PostgresPrograms programs{major, bindir + "/postgres", bindir + "/initdb"};
  if (access(programs.postgres.c_str(), X_OK) != 0) return std::nullopt;
  if (access(programs.initdb.c_str(), X_OK) != 0) return std::nullopt;
  return programs;
}

// "postgres (PostgreSQL) 15.20 (Debian ...)" gives 15.
std::optional<int> MajorIn(absl::string_view answer) {
  const std::vector<absl::string_view> words = absl::StrSplit(answer, ' ');
  int major = 0;
  if (words.size() < 3) return std::nullopt;
  if (!absl::SimpleAtoi(words[2].substr(0, words[2].find_first_not_of("0123456789")), &major)) {
    return std::nullopt;
  }
  return major;
}

// What `program --version` answers, run as `account`.
absl::StatusOr<std::string> AskVersion(const std::string& program, const Account& account) {
  // In memory: there may be no directory yet that the account can write to.
  const int answer = memfd_create("postgres-version", MFD_CLOEXEC);
  if (answer < 0) return absl::ErrnoToStatus(errno, "cannot make a file in memory");
  ChildProgram asking;
  asking.argv = {program, "--version"};
  asking.account = account;
  asking.output_file = absl::StrCat("/proc/self/fd/", answer);
  asking.death_signal = SIGKILL;
  const absl::StatusOr<int> code = RunChild(asking, absl::Now() + kVersionTimeout);
  std::array<char, 256> text = {};
  const ssize_t size = pread(answer, text.data(), text.size(), 0);
  close(answer);
  if (!code.ok()) return code.status();
  return std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
}

absl::StatusOr<PostgresPrograms> InGivenDirectory(const std::string& bindir, const Account& account,
                                                  std::optional<int> wanted_major) {
  const std::optional<PostgresPrograms> programs = ProgramsIn(bindir, 0);
  if (!programs) {
    return absl::NotFoundError(absl::StrCat("postgres_bindir ", bindir,
                                            " does not hold the programs postgres and initdb"));
  }
  const absl::StatusOr<std::string> answer = AskVersion(programs->postgres, account);
  if (!answer.ok()) {
    return absl::NotFoundError(
        absl::StrCat("postgres_bindir ", bindir, ": ", answer.status().message()));
  }
  const std::optional<int> major = MajorIn(*answer);
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

absl::StatusOr<PostgresPrograms> FindPostgres(const std::string& bindir, const Account& account,
                                              std::optional<int> wanted_major,
                                              const std::string& root) {
  if (!bindir.empty()) return InGivenDirectory(bindir, account, wanted_major);
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
