#include "client/cli/collection_filter.h"

namespace aquifer::cli {

std::vector<Argument> WithFilter(std::vector<Argument> more) {
  std::vector<Argument> arguments = {
      {"--days", "filter.days", "On these civil days of the fleet."},
      {"--device", "filter.device_ids", "Of this device; may be given again."},
      {"--collector", "filter.collectors", "With this collector's text; may be given again."},
      {"--worker", "filter.worker_ids", "Of this worker; may be given again."},
      {"--min-total", "filter.min_total_minor", "Of this many kopiykas at least."},
      {"--max-total", "filter.max_total_minor", "Of this many kopiykas at most."}};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace aquifer::cli
