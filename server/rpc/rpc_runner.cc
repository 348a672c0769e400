#include "server/rpc/rpc_runner.h"

namespace aquifer {

void RpcRunner::MakeJoiner(const Method& method, Joiner::Flyer& flyer,
                           std::optional<Joiner>& joiner) {
  joiner.emplace(workers_, flyer,
                 JoinerOptions{.max_calls = method.policy.max_joined(),
                               .max_flights = workers_.options().threads,
                               .queue = workers_.options().queue});
}

}  // namespace aquifer
