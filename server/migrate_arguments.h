// What `aquifer-server migrate` was asked to do.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>

namespace aquifer {

enum class MigrateAction { kUp, kDown, kStatus, kHistory, kValidate, kCreate };

struct MigrateArguments {
  MigrateAction action = MigrateAction::kStatus;
  // up and down: the version to end at.
  std::optional<int> to;
  // up and down: how many migrations at most; down takes back one if neither is given.
  std::optional<int> steps;
  // up and down: tell what would be done, and do nothing.
  bool dry_run = false;
  // down: do it without asking.
  bool yes = false;
  // create: what the migration does, in snake case, and the folder its files go to.
  std::string name;
  std::string directory = "repositories/migrations";
  // up and down: how long to wait for another instance that migrates, and how long a migration may
  // wait for a table's lock.
  absl::Duration wait = absl::Minutes(5);
  absl::Duration lock_timeout = absl::Seconds(5);
};

}  // namespace aquifer
