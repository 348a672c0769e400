#include "tests/testing/processes.h"

#include <absl/strings/str_cat.h>
#include <dirent.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace aquifer::testing {

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  DIR* folder = opendir("/proc");
  while (const dirent* entry = readdir(folder)) {
    const pid_t pid = std::atoi(entry->d_name);
    std::ifstream stat(absl::StrCat("/proc/", pid, "/stat"));
    std::string number, name, state;
    pid_t its_parent = 0;
    if (pid > 0 && stat >> number >> name >> state >> its_parent && its_parent == parent) {
      children.push_back(pid);
    }
  }
  closedir(folder);
  return children;
}

}  // namespace aquifer::testing
