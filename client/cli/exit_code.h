// How the program ends, for scripts.
#pragma once

namespace aquifer::cli {

constexpr int kExitOk = 0;
// The service refused, or a file could not be read or written.
constexpr int kExitFailed = 1;
// The command line was wrong.
constexpr int kExitUsage = 2;
// Nobody answered.
constexpr int kExitAway = 3;
// Somebody answered that it does not serve.
constexpr int kExitNotServing = 4;
// An import is through, but some lines were rejected.
constexpr int kExitRejectedLines = 5;

}  // namespace aquifer::cli
