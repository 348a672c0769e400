// Moves a database's schema between versions.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <string>

#include "repositories/migrations.h"

namespace aquifer {

class Migrator {
 public:
  Migrator(std::string url, absl::Span<const Migration> migrations)
      : url_(std::move(url)), migrations_(migrations) {}

  // Applies every migration.
  absl::Status Up();

 private:
  const std::string url_;
  const absl::Span<const Migration> migrations_;
};

}  // namespace aquifer
