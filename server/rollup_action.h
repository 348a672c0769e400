// What `aquifer-server rollup` was asked to do.
#pragma once

namespace aquifer {

enum class RollupAction { kStatus, kCheck, kRebuild };

}  // namespace aquifer
