#include "server/database/migration_files.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace aquifer {
namespace {

constexpr std::size_t kLongestName = 60;

constexpr char kUpText[] =
    "-- What this is for, in a sentence or two. The previous release must keep working after it:\n"
    "-- add first, and drop what nothing uses any more in a later migration.\n";
constexpr char kDownText[] = "-- Takes back exactly what the up file made.\n";

bool IsSnakeCase(absl::string_view name) {
  return !name.empty() && name.size() <= kLongestName && absl::ascii_islower(name[0]) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
         });
}

// The number of the last line of the index; 0 if it is empty.
int LastVersion(std::ifstream& index) {
  int version = 0;
  for (std::string line; std::getline(index, line);) {
    int number = 0;
    if (absl::SimpleAtoi(line.substr(0, line.find('_')), &number)) version = number;
  }
  return version;
}

absl::Status Write(const std::string& path, absl::string_view text, std::ios::openmode mode) {
  std::ofstream file(path, mode);
  file << text;
  file.close();
  return file.fail() ? absl::UnavailableError(absl::StrCat("cannot write ", path))
                     : absl::OkStatus();
}

}  // namespace

absl::StatusOr<MigrationFiles> CreateMigrationFiles(const std::string& directory,
                                                    absl::string_view name) {
  if (!IsSnakeCase(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' is no name for a migration: lower-case letters, digits and _, ",
                     "beginning with a letter, ", kLongestName, " at most"));
  }
  const std::string index_path = directory + "/index.txt";
  std::ifstream index(index_path);
  if (!index) {
    return absl::NotFoundError(absl::StrCat(directory, " holds no migrations (no index.txt): give ",
                                            "repositories/migrations of a source checkout"));
  }
  const std::string stem = absl::StrFormat("%04d_%s", LastVersion(index) + 1, name);
  const MigrationFiles files{absl::StrCat(directory, "/", stem, ".up.sql"),
                             absl::StrCat(directory, "/", stem, ".down.sql")};
  for (const std::string& path : {files.up, files.down}) {
    if (std::filesystem::exists(path)) {
      return absl::AlreadyExistsError(
          absl::StrCat(path, " is there already, but not in the index"));
    }
  }
  // The index last: a build fails on a name without files.
  absl::Status status = Write(files.up, kUpText, std::ios::out);
  if (status.ok()) status = Write(files.down, kDownText, std::ios::out);
  if (status.ok()) status = Write(index_path, stem + "\n", std::ios::app);
  if (!status.ok()) return status;
  return files;
}

}  // namespace aquifer
