// What direct callers ask, as caller/operations.h has it for those of Aquifer.
#pragma once

#include <absl/random/bit_gen_ref.h>

#include <map>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "tests/load/caller/history.h"

namespace aquifer::load {

// The values of one query, by the names its statement gives them.
using Values = std::map<std::string, std::string>;

struct Query {
  // The statement's file in sql/.
  const char* file;
  Values (*draw)(const History& history, absl::BitGenRef random);
  // Reads every row, and says what is wrong with them if anything is.
  std::string (*check)(const pqxx::result& rows, const Values& values);
};

// Queries and how many of a hundred are of each.
struct QueryMix {
  struct Part {
    const Query* query;
    int percent;
  };
  std::vector<Part> parts;
};

std::optional<QueryMix> QueriesOf(const std::string& workload);

}  // namespace aquifer::load
