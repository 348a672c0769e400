#include "server/rpc/rpc_runner.h"

namespace aquifer {

std::unique_ptr<Joiner> RpcRunner::MakeJoiner(const Method& method, Joiner::Flyer& flyer) {
  return std::make_unique<Joiner>(workers_, flyer,
                                  JoinerOptions{.max_calls = method.policy.max_joined(),
                                                .max_flights = workers_.options().threads,
                                                .queue = workers_.options().queue});
}

}  // namespace aquifer
