// What an instance is called in logs, status, application_name and the migrations' records.
#pragma once

#include <string>

#include "server/options.h"

namespace aquifer {

// The name it was given, else its host and process id.
std::string InstanceName(const ServerOptions& options);

}  // namespace aquifer
