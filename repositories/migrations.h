// The schema's migrations, compiled into the program from repositories/migrations.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/types/span.h>

namespace aquifer {

struct Migration {
  // Counts from 1 without gaps.
  int version;
  // Without the number: "civil_time".
  absl::string_view name;
  absl::string_view up_sql;
  absl::string_view down_sql;
  // SHA-256 of up_sql, in hexadecimal.
  absl::string_view checksum;
  // False if its first line is `-- aquifer: no transaction`.
  bool transactional;
};

// Every migration, in order of version.
absl::Span<const Migration> Migrations();

// The schema versions a program works with.
struct SchemaWindow {
  // Everything up to here must be applied.
  int min;
  // Nothing beyond here may be.
  int max;
};

// How many migrations a database may be ahead of a program. A migration leaves the programs of the
// last releases working (see migrations/README.md), so that instances can be replaced one by one
// and a release can be rolled back without the schema.
inline constexpr int kVersionsAhead = 10;

// What a program with `migrations` works with.
inline SchemaWindow AcceptedWindow(absl::Span<const Migration> migrations) {
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  return {newest, newest + kVersionsAhead};
}

}  // namespace aquifer
