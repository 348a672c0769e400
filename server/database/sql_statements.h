// Cutting a script of SQL into its statements.
#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace aquifer {

// The statements of `script`, without their semicolons; pieces of nothing but space and comments
// are left out. Understands quoted text and names, E'' escapes, dollar quotes, and both kinds of
// comment, nested ones too. Not the BEGIN ATOMIC bodies of PostgreSQL 14.
std::vector<std::string> SplitStatements(absl::string_view script);

// The index that a CREATE INDEX CONCURRENTLY makes, without quotes; empty for any other statement.
std::string ConcurrentIndexOf(absl::string_view statement);

}  // namespace aquifer
