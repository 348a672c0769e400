// The database as the monitor last saw it.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <string>

#include "aquifer/v1/admin.pb.h"
#include "server/health/health_state.h"

namespace aquifer {

enum class DatabaseRole { kUnknown, kPrimary, kStandby };

// What one look found out.
struct DatabaseFacts {
  // Such as "15.8".
  std::string version;
  DatabaseRole role = DatabaseRole::kUnknown;
  // The newest migration that was applied; 0 for none.
  int schema_version = 0;
  int max_connections = 0;
  // Connections of all clients, ours included.
  int connections = 0;
  // How long the database took to answer.
  absl::Duration latency;
};

// Facts outlive their moment: after a failed look they are those of the last good one.
struct DatabaseView {
  DatabaseFacts facts;
  // When those facts were seen; InfinitePast if never.
  absl::Time seen_at = absl::InfinitePast();
  // Why the last look failed; empty if it did not.
  std::string trouble = "not looked at yet";
  // The schema versions this server works with.
  int schema_min = 0;
  int schema_max = 0;

  bool reachable() const { return trouble.empty(); }
  bool schema_fits() const {
    return facts.schema_version >= schema_min && facts.schema_version <= schema_max;
  }
};

enum class PoolWarmth { kCold, kWarm };

// Whether this view speaks for serving, and if not, why: the database answers, its schema fits,
// and the pool has been warm. A standby serves reads, so it does.
HealthLook JudgeView(const DatabaseView& view, PoolWarmth pool);

// For the operator.
v1::DatabaseStatus ToStatus(const DatabaseView& view, absl::string_view time_zone);

}  // namespace aquifer
