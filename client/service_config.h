// What gRPC itself is told to do for a channel, as its service config in JSON.
#pragma once

#include <string>

#include "aquifer/connect_options.h"

namespace aquifer::client {

enum class HealthChecks { kOn, kOff };

// Made from the descriptors. Balancing, and retries of those calls alone that nobody but gRPC can
// send again: streams of requests, whose messages it keeps until the first answer. Every other call
// is tried again by this library, which knows the reasons, and so by nothing else.
std::string ServiceConfig(Balancing balancing, HealthChecks checks);

}  // namespace aquifer::client
