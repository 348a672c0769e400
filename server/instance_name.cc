#include "server/instance_name.h"

#include <absl/strings/str_cat.h>
#include <unistd.h>

namespace aquifer {

std::string InstanceName(const ServerOptions& options) {
  if (!options.instance.empty()) return options.instance;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return absl::StrCat(host, "/", getpid());
}

}  // namespace aquifer
