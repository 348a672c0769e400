#include "server/database/commit_outcome.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "repositories/errors.h"
#include "repositories/row.h"

namespace aquifer {
namespace {

// NULL if the id is too old to be known.
constexpr Statement kStatus = {"transactions.status", R"sql(
SELECT pg_xact_status($1::text::xid8),
       concat_ws(' ', pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time()) = $2::text
)sql"};

// By the transaction, not by the process: a process id may be another's by now.
constexpr Statement kEnd = {"transactions.end_backend", R"sql(
SELECT count(pg_terminate_backend(pid))
FROM pg_catalog.pg_stat_activity
WHERE backend_xid = $1::text::xid8::xid
)sql"};

// Older than $2 microseconds, so not another that got its number since.
constexpr Statement kFindBackend = {"backends.find", R"sql(
SELECT count(*), count(CASE WHEN $3::boolean THEN pg_terminate_backend(pid) END)
FROM pg_catalog.pg_stat_activity
WHERE pid = $1::integer
  AND backend_start < clock_timestamp() - $2::bigint * interval '1 microsecond'
)sql"};

constexpr absl::Duration kFirstPause = absl::Milliseconds(5);
constexpr absl::Duration kLongestPause = absl::Milliseconds(200);
// A backend that commits is gone in less; one whose link is cut notices in less.
constexpr absl::Duration kPatienceWithBackend = absl::Milliseconds(500);
// For calls without a deadline.
constexpr absl::Duration kLongestWait = absl::Seconds(30);

// What one look found; nothing while the transaction is in progress.
std::optional<CommitOutcome> Judge(const Row& row) {
  if (row.IsNull(0)) return CommitOutcome::kUnknown;
  const std::string status = row.Text(0);
  if (status == "in progress") return std::nullopt;
  if (status == "aborted") return CommitOutcome::kNotCommitted;
  return row.Bool(1) ? CommitOutcome::kCommitted : CommitOutcome::kUnknown;
}

// What a look brought.
struct Look {
  bool known = false;
  absl::Status status;
};

// Looks again and again until all is known; false if `deadline` or the server's end came first.
// `look` is told when to lose patience with a backend that stays.
bool LookUntil(absl::Time deadline, absl::FunctionRef<Look(bool impatient)> look) {
  const absl::Time began = absl::Now();
  deadline = std::min(deadline, began + kLongestWait);
  absl::Duration pause = kFirstPause;
  while (true) {
    const Look found = look(absl::Now() - began > kPatienceWithBackend);
    if (found.known) return true;
    const bool stopping = ReasonOf(found.status) == EntryOf(Reason::kShuttingDown).name;
    if (stopping || absl::Now() + pause >= deadline) return false;
    absl::SleepFor(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace

absl::string_view NameOf(CommitOutcome outcome) {
  switch (outcome) {
    case CommitOutcome::kCommitted:
      return "committed";
    case CommitOutcome::kNotCommitted:
      return "not_committed";
    case CommitOutcome::kUnknown:
      break;
  }
  return "unknown";
}

CommitOutcome ResolveCommit(const TransactionMark& mark, absl::Time deadline, LookRunner run) {
  if (mark.xid.empty()) return CommitOutcome::kUnknown;
  auto outcome = CommitOutcome::kUnknown;
  LookUntil(deadline, [&](bool impatient) {
    std::optional<CommitOutcome> found;
    absl::Status looked = run([&](Session& session) {
      found = Judge(Row(session.Run(kStatus, mark.xid, mark.run)[0]));
      if (!found && impatient) session.Run(kEnd, mark.xid);
      return absl::OkStatus();
    });
    // An id "in the future": whatever the database went through, it has no such transaction.
    if (ReasonOf(looked) == EntryOf(Reason::kInvalidFields).name) {
      looked = absl::OkStatus();
      found = CommitOutcome::kNotCommitted;
    }
    if (looked.ok() && found) outcome = *found;
    return Look{.known = looked.ok() && found, .status = looked};
  });
  return outcome;
}

bool AwaitBackendsEnd(const BackendMark& backend, absl::Time deadline, LookRunner run) {
  const std::int64_t age_us = std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::steady_clock::now() - backend.opened_at)
                                  .count();
  return LookUntil(deadline, [&](bool impatient) {
    bool gone = false;
    absl::Status looked = run([&](Session& session) {
      gone = Row(session.Run(kFindBackend, backend.pid, age_us, impatient)[0]).Int(0) == 0;
      return absl::OkStatus();
    });
    return Look{.known = looked.ok() && gone, .status = looked};
  });
}

}  // namespace aquifer
