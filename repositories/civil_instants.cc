#include "repositories/civil_instants.h"

#include "repositories/array.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

constexpr Statement kCivilInstants = {"civil_instants", R"sql(
SELECT aquifer.civil_instant(wall.time)
FROM unnest($1::timestamp[]) WITH ORDINALITY AS wall (time, place)
ORDER BY wall.place)sql"};

}  // namespace

std::vector<std::optional<std::string>> CivilInstants(Session& session,
                                                      const std::vector<std::string>& wall_times) {
  std::vector<std::optional<std::string>> instants;
  if (wall_times.empty()) return instants;
  for (const auto& fields : session.Run(kCivilInstants, ArrayOf(wall_times))) {
    const Row row(fields);
    instants.push_back(row.IsNull(0) ? std::nullopt
                                     : std::optional<std::string>(InstantText(row.Instant(0))));
  }
  return instants;
}

StatementList CivilInstantStatements() {
  static constexpr const Statement* kAll[] = {&kCivilInstants};
  return kAll;
}

}  // namespace aquifer
