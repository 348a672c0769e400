#include "tests/testing/temporary_directory.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace aquifer::testing {

TemporaryDirectory::TemporaryDirectory() {
  const char* root = std::getenv("TMPDIR");
  path_ = root == nullptr || *root == '\0' ? "/tmp" : root;
  path_ += "/aquifer-test-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) {
    std::perror(path_.c_str());
    std::abort();
  }
  // mkdtemp closes it to others, and PostgreSQL is another when we are root.
  std::filesystem::permissions(path_, std::filesystem::perms(0711));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace aquifer::testing
