// Telling a full disk from other failures, for the one line an operator needs.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace aquifer {

// `failure` as it is, or, if the disk below `path` is the likely cause, RESOURCE_EXHAUSTED with a
// first line that says so. To be asked before anything is cleaned up: a program that met a full
// disk often gives back what it had written.
absl::Status ExplainFullDisk(const absl::Status& failure, const std::string& path);

}  // namespace aquifer
