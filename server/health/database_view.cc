#include "server/health/database_view.h"

#include <absl/strings/str_cat.h>

namespace aquifer {
namespace {

const char* NameOf(DatabaseRole role) {
  switch (role) {
    case DatabaseRole::kPrimary:
      return "primary";
    case DatabaseRole::kStandby:
      return "standby";
    case DatabaseRole::kUnknown:
      break;
  }
  return "";
}

}  // namespace

HealthLook JudgeView(const DatabaseView& view, PoolWarmth pool) {
  HealthLook look;
  if (!view.reachable()) {
    look.reason = absl::StrCat("the database does not answer: ", view.trouble);
  } else if (!view.schema_fits()) {
    look.reason = absl::StrCat("the schema is at version ", view.facts.schema_version,
                               ", this server needs ", view.schema_min, " to ", view.schema_max);
  } else if (pool == PoolWarmth::kCold) {
    look.reason = "the connection pool is not warm yet";
  } else {
    look.sign = Sign::kGood;
  }
  return look;
}

v1::DatabaseStatus ToStatus(const DatabaseView& view, absl::string_view time_zone) {
  v1::DatabaseStatus status;
  status.set_schema_min(view.schema_min);
  status.set_schema_max(view.schema_max);
  status.set_time_zone(std::string(time_zone));
  if (view.seen_at == absl::InfinitePast()) return status;
  status.set_version(view.facts.version);
  status.set_role(NameOf(view.facts.role));
  status.set_schema_version(view.facts.schema_version);
  const std::int64_t latency = absl::ToInt64Nanoseconds(view.facts.latency);
  status.mutable_latency()->set_seconds(latency / 1'000'000'000);
  status.mutable_latency()->set_nanos(static_cast<std::int32_t>(latency % 1'000'000'000));
  const std::int64_t seen = absl::ToUnixNanos(view.seen_at);
  status.mutable_seen_at()->set_seconds(seen / 1'000'000'000);
  status.mutable_seen_at()->set_nanos(static_cast<std::int32_t>(seen % 1'000'000'000));
  return status;
}

}  // namespace aquifer
