// Wall-clock times of the fleet's zone, turned into instants by the database's own zone rules.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "repositories/session.h"

namespace aquifer {

// For each of `wall_times` (as ParseWallTime gives them) the instant it means, as InstantText
// writes it: the first occurrence of one that occurs twice, nullopt for one that does not occur.
// One statement for all of them; none if there are none.
std::vector<std::optional<std::string>> CivilInstants(Session& session,
                                                      const std::vector<std::string>& wall_times);

}  // namespace aquifer
