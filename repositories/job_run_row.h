// The columns of a job's run, their mapping and the errors about it, written once.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <cstdint>

#include "aquifer/v1/job.pb.h"
#include "repositories/errors.h"
#include "repositories/row.h"

// A run's columns in the order JobRunFrom reads; the statement names the run `run`. What is left of
// a lease is told by the clock that also judges it.
#define AQUIFER_JOB_RUN_COLUMNS                                                                  \
  "run.job, run.key, run.state, run.attempt, run.holder, run.lease_expires_at, "                 \
  "GREATEST(0, (EXTRACT(EPOCH FROM run.lease_expires_at - clock_timestamp()) * 1000)::bigint), " \
  "run.created_at, run.began_at, run.finished_at, run.result"

// How many they are, for a statement that selects more behind them.
#define AQUIFER_JOB_RUN_COLUMN_COUNT 11

namespace aquifer {

inline absl::string_view JobRunStateText(v1::JobRunState state) {
  switch (state) {
    case v1::JOB_RUN_STATE_SUCCEEDED:
      return "succeeded";
    case v1::JOB_RUN_STATE_FAILED:
      return "failed";
    default:
      return "running";
  }
}

inline v1::JobRunState JobRunStateFrom(absl::string_view text) {
  if (text == "succeeded") return v1::JOB_RUN_STATE_SUCCEEDED;
  if (text == "failed") return v1::JOB_RUN_STATE_FAILED;
  return v1::JOB_RUN_STATE_RUNNING;
}

// Reads the columns above, beginning with the first of the row.
inline void JobRunFrom(const Row& row, v1::JobRun& run) {
  run.set_job(row.Text(0));
  run.set_key(row.Text(1));
  run.set_state(JobRunStateFrom(row.Text(2)));
  run.set_attempt(static_cast<std::int32_t>(row.Int(3)));
  run.set_holder(row.Text(4));
  if (run.state() == v1::JOB_RUN_STATE_RUNNING) {
    *run.mutable_lease_expires_at() = row.Instant(5);
    run.set_lease_left_ms(row.Int(6));
  }
  *run.mutable_created_at() = row.Instant(7);
  *run.mutable_began_at() = row.Instant(8);
  if (!row.IsNull(9)) *run.mutable_finished_at() = row.Instant(9);
  run.set_result(row.Text(10));
}

// An error about the run that `request` names by its job and key.
template <typename Request>
absl::Status JobRunError(Reason reason, const Request& request, absl::string_view what) {
  return MakeError(reason, absl::StrCat("run ", request.key(), " of job ", request.job(), what),
                   {{"job", request.job()}, {"key", request.key()}});
}

template <typename Request>
absl::Status JobRunNotFound(const Request& request) {
  return JobRunError(Reason::kJobRunNotFound, request, " not found");
}

template <typename Request>
absl::Status LeaseLost(const Request& request) {
  return JobRunError(Reason::kLeaseLost, request, " is not held by this lease_token");
}

template <typename Request>
absl::Status JobRunFinished(const Request& request) {
  return JobRunError(Reason::kJobRunFinished, request, " is finished");
}

}  // namespace aquifer
