// Writing the files of a new migration into a source checkout.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>

namespace aquifer {

struct MigrationFiles {
  std::string up;
  std::string down;
};

// Writes NNNN_name.{up,down}.sql with the next number into `directory` and adds it to the index
// there; answers their paths. INVALID_ARGUMENT for a name that is not lower snake case, NOT_FOUND
// if `directory` is not one of migrations.
absl::StatusOr<MigrationFiles> CreateMigrationFiles(const std::string& directory,
                                                    absl::string_view name);

}  // namespace aquifer
