#include "client/cli/resume_file.h"

#include <absl/strings/str_cat.h>

#include <cstdio>
#include <fstream>
#include <utility>

namespace aquifer::cli {
namespace {

constexpr char kKind[] = "aquifer-import-1";

}  // namespace

ResumeFile::ResumeFile(const std::string& imported, std::string address)
    : path_(imported + ".aquifer-resume"), address_(std::move(address)) {}

std::optional<ImportPlace> ResumeFile::Read() const {
  std::ifstream file(path_);
  std::string kind;
  std::string address;
  ImportPlace place;
  if (!(file >> kind >> address >> place.line >> place.checksum)) return std::nullopt;
  if (kind != kKind || address != address_ || place.line < 1) return std::nullopt;
  return place;
}

absl::Status ResumeFile::Write(const ImportPlace& place) const {
  const std::string next = path_ + ".new";
  {
    std::ofstream file(next, std::ios::trunc);
    file << kKind << " " << address_ << " " << place.line << " " << place.checksum << "\n";
    if (!file.flush()) return absl::UnknownError(absl::StrCat(next, " cannot be written"));
  }
  if (std::rename(next.c_str(), path_.c_str()) == 0) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat(path_, " cannot be written"));
}

void ResumeFile::Remove() const { std::remove(path_.c_str()); }

}  // namespace aquifer::cli
