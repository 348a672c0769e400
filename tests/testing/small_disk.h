// A file system of a few megabytes, for what happens when it is full.
#pragma once

#include <cstdint>
#include <string>

namespace aquifer::testing {

// A tmpfs of `megabytes` mounted at `path`, an existing directory; unmounted at destruction. Needs
// root and a kernel that lets it mount: see mounted().
class SmallDisk {
 public:
  SmallDisk(std::string path, int megabytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Whether it is there; if not, why_not() says why, for GTEST_SKIP.
  bool mounted() const { return why_not_.empty(); }
  const std::string& why_not() const { return why_not_; }
  const std::string& path() const { return path_; }

  // Writes a file that leaves `bytes` free, and removes it again.
  void FillUpTo(std::uint64_t bytes) const;
  void FreeAgain() const;

 private:
  std::string path_;
  std::string why_not_;
};

}  // namespace aquifer::testing
