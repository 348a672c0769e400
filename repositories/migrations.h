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

}  // namespace aquifer
