// How the process ends, for scripts.
#pragma once

namespace aquifer {

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
// The command line or a setting was wrong.
constexpr int kExitUsage = 2;

}  // namespace aquifer
