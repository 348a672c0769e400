// Beginning, renewing and finishing a run: one row a job and key, whose lock decides every race.
//
// clock_timestamp() and not now(): a call may have waited long for the row before it judges the
// lease, and a transaction of many writes may have begun long ago.
#include "repositories/errors.h"
#include "repositories/job_repository.h"
#include "repositories/job_run_row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

#define AQUIFER_LEASE_FROM_NOW(ms) "clock_timestamp() + " ms "::bigint * interval '1 millisecond'"

// A row only if the caller has the lease by this statement. A lease that ran out is taken over, or
// by its own token held on to; a failed run is begun again, though not by the token that failed:
// that is a repeat which comes late. A row in the way is locked, whether changed or not.
constexpr Statement kAcquire = {"job_runs.acquire", R"sql(
INSERT INTO aquifer.job_runs AS run (job, key, holder, lease_token, lease_expires_at)
VALUES ($1::text, $2::text, $3::text, $4::text, )sql" AQUIFER_LEASE_FROM_NOW("$5") R"sql()
ON CONFLICT (job, key) DO UPDATE
SET state = 'running',
    attempt = run.attempt + (run.lease_token <> excluded.lease_token)::integer,
    holder = excluded.holder,
    lease_token = excluded.lease_token,
    lease_expires_at = excluded.lease_expires_at,
    began_at = CASE
      WHEN run.lease_token = excluded.lease_token THEN run.began_at
      ELSE clock_timestamp()
    END,
    finished_at = NULL,
    result = ''
WHERE run.state = 'running' AND run.lease_expires_at <= clock_timestamp()
   OR run.state = 'failed' AND run.lease_token <> excluded.lease_token
RETURNING )sql" AQUIFER_JOB_RUN_COLUMNS};

constexpr Statement kRead = {"job_runs.read", "SELECT " AQUIFER_JOB_RUN_COLUMNS R"sql(,
  run.lease_token = $3::text
FROM aquifer.job_runs AS run
WHERE run.job = $1::text
  AND run.key = $2::text
)sql"};

// As kRead, for one who is to change the row.
constexpr Statement kLock = {"job_runs.lock", "SELECT " AQUIFER_JOB_RUN_COLUMNS R"sql(,
  run.lease_token = $3::text
FROM aquifer.job_runs AS run
WHERE run.job = $1::text
  AND run.key = $2::text
FOR NO KEY UPDATE
)sql"};

constexpr Statement kRenew = {"job_runs.renew", R"sql(
UPDATE aquifer.job_runs AS run
SET lease_expires_at = GREATEST(run.lease_expires_at, )sql" AQUIFER_LEASE_FROM_NOW("$3") R"sql()
WHERE run.job = $1::text
  AND run.key = $2::text
RETURNING )sql" AQUIFER_JOB_RUN_COLUMNS};

constexpr Statement kFinish = {"job_runs.finish", R"sql(
UPDATE aquifer.job_runs AS run
SET state = $3::text,
    result = $4::text,
    finished_at = clock_timestamp()
WHERE run.job = $1::text
  AND run.key = $2::text
RETURNING )sql" AQUIFER_JOB_RUN_COLUMNS};

// A run and whether the caller's token is its last holder's.
struct Seen {
  v1::JobRun run;
  bool is_mine = false;
};

Seen SeenFrom(const pqxx::row& fields) {
  const Row row(fields);
  Seen seen;
  JobRunFrom(row, seen.run);
  seen.is_mine = row.Bool(AQUIFER_JOB_RUN_COLUMN_COUNT);
  return seen;
}

// Locks the run of the request's lease. JOB_RUN_NOT_FOUND or LEASE_LOST where it is not that.
template <typename Request>
absl::StatusOr<v1::JobRun> LockLeased(Session& session, const Request& request) {
  const pqxx::result rows = session.Run(kLock, request.job(), request.key(), request.lease_token());
  if (rows.empty()) return JobRunNotFound(request);
  Seen seen = SeenFrom(rows[0]);
  if (!seen.is_mine) return LeaseLost(request);
  return std::move(seen.run);
}

}  // namespace

absl::StatusOr<v1::BeginJobRunResponse> JobRepository::BeginJobRun(
    const v1::BeginJobRunRequest& request) {
  v1::BeginJobRunResponse response;
  const pqxx::result acquired =
      session_.Run(kAcquire, request.job(), request.key(), request.holder(), request.lease_token(),
                   request.lease_ms());
  if (!acquired.empty()) {
    response.set_outcome(v1::BEGIN_OUTCOME_ACQUIRED);
    JobRunFrom(Row(acquired[0]), *response.mutable_run());
    return response;
  }

  // kAcquire holds the row's lock, so this sees what it refused to change.
  const Seen seen =
      SeenFrom(session_.Run(kRead, request.job(), request.key(), request.lease_token())[0]);
  switch (seen.run.state()) {
    case v1::JOB_RUN_STATE_SUCCEEDED:
      response.set_outcome(v1::BEGIN_OUTCOME_ALREADY_DONE);
      break;
    case v1::JOB_RUN_STATE_FAILED:
      return LeaseLost(request);
    default:
      response.set_outcome(seen.is_mine ? v1::BEGIN_OUTCOME_ACQUIRED : v1::BEGIN_OUTCOME_HELD);
      break;
  }
  *response.mutable_run() = seen.run;
  return response;
}

absl::StatusOr<v1::RenewJobRunResponse> JobRepository::RenewJobRun(
    const v1::RenewJobRunRequest& request) {
  const auto locked = LockLeased(session_, request);
  if (!locked.ok()) return locked.status();
  if (locked->state() != v1::JOB_RUN_STATE_RUNNING) return JobRunFinished(request);

  v1::RenewJobRunResponse response;
  JobRunFrom(Row(session_.Run(kRenew, request.job(), request.key(), request.lease_ms())[0]),
             *response.mutable_run());
  return response;
}

absl::StatusOr<v1::FinishJobRunResponse> JobRepository::FinishJobRun(
    const v1::FinishJobRunRequest& request) {
  if (request.outcome() == v1::JOB_RUN_STATE_RUNNING) {
    return InvalidFields({{"outcome", "must be SUCCEEDED or FAILED"}});
  }
  const auto locked = LockLeased(session_, request);
  if (!locked.ok()) return locked.status();
  v1::FinishJobRunResponse response;
  if (locked->state() != v1::JOB_RUN_STATE_RUNNING) {
    if (locked->state() != request.outcome() || locked->result() != request.result()) {
      return JobRunFinished(request);
    }
    *response.mutable_run() = *locked;
    return response;
  }

  response.set_changed(true);
  JobRunFrom(
      Row(session_.Run(kFinish, request.job(), request.key(),
                       std::string(JobRunStateText(request.outcome())), request.result())[0]),
      *response.mutable_run());
  return response;
}

StatementList JobLeaseStatements() {
  static constexpr const Statement* kAll[] = {&kAcquire, &kRead, &kLock, &kRenew, &kFinish};
  return kAll;
}

}  // namespace aquifer
