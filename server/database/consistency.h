// How new what a read sees must be, and the positions in the database's log that tell.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>

#include "repositories/session.h"

namespace aquifer {

// A place in the write-ahead log; 0 lies before everything.
using WalPosition = std::uint64_t;

// As PostgreSQL writes it, "16/B374D848"; nothing if `text` is no position.
std::optional<WalPosition> ParseWalPosition(absl::string_view text);
std::string TextOf(WalPosition position);

// Where a primary's commits lie before, or at. The end of what is flushed rather than of what is
// inserted, where commits wait for that: a replica that has replayed all of an idle primary's log
// is never behind it.
inline constexpr Statement kCommittedPosition = {"replica.committed_position", R"sql(
SELECT CASE current_setting('synchronous_commit')
         WHEN 'off' THEN pg_current_wal_insert_lsn()
         ELSE pg_current_wal_flush_lsn()
       END::text
)sql"};

// What a caller asks of a read.
struct Consistency {
  enum class Kind {
    // All that was committed before: the primary's.
    kStrong,
    // At least what was committed up to `position`.
    kAtLeast,
    // All that was committed longer than `staleness` ago.
    kStale,
    // Whatever a replica has.
    kAny,
  };
  Kind kind = Kind::kStrong;
  WalPosition position = 0;
  absl::Duration staleness;

  bool strong() const { return kind == Kind::kStrong; }
};

// "strong", "at-least=16/B374D848", "stale=SECONDS" (0.001 to 86400), "any"; nothing else.
std::optional<Consistency> ParseConsistency(absl::string_view text);
// What those are, for whoever wrote another.
inline constexpr char kConsistencies[] =
    "must be strong, at-least=TOKEN, stale=SECONDS (0.001 to 86400) or any";

}  // namespace aquifer
