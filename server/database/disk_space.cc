#include "server/database/disk_space.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <sys/statvfs.h>

#include <cstdint>
#include <optional>

namespace aquifer {
namespace {

// PostgreSQL writes its log of changes in files of this size, and removes one it cannot fill.
constexpr std::uint64_t kLeastFree = 16 << 20;

std::optional<std::uint64_t> FreeBytes(const std::string& path) {
  struct statvfs info;
  if (statvfs(path.c_str(), &info) != 0) return std::nullopt;
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

}  // namespace

absl::Status ExplainFullDisk(const absl::Status& failure, const std::string& path) {
  if (failure.ok()) return failure;
  const std::optional<std::uint64_t> free = FreeBytes(path);
  const bool little = free && *free < kLeastFree;
  // The children run with LC_ALL=C, and so their words are English.
  if (!little && !absl::StrContains(failure.message(), "No space left on device")) return failure;
  const std::string left = free ? absl::StrCat(" (", *free >> 20, " MB free)") : "";
  return absl::ResourceExhaustedError(
      absl::StrCat("no space left in ", path, left, ": free some\n", failure.message()));
}

}  // namespace aquifer
