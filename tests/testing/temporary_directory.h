// A directory for one test.
#pragma once

#include <string>

namespace aquifer::testing {

// Made under $TMPDIR or /tmp, where PostgreSQL's account can reach it; removed with its contents.
// A killed program leaves its directories behind; the first one of the next program removes them.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  // The directory, locked (flock) while it is in use.
  int lock_;
};

}  // namespace aquifer::testing
