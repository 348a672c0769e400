// A directory for one test.
#pragma once

#include <string>

namespace aquifer::testing {

// Made under $TMPDIR or /tmp, where PostgreSQL's account can reach it; removed with its contents.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace aquifer::testing
