// A database's schema as text, to compare two of.
#pragma once

#include <string>

#include "tests/testing/test_database.h"

namespace aquifer::testing {

// Everything in schema aquifer but the values of its rows: tables, columns, defaults, constraints,
// indexes, functions, comments, privileges; a line each, in a fixed order.
std::string SnapshotOf(TestDatabase& database);

}  // namespace aquifer::testing
