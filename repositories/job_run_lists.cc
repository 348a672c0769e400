// Lists of runs, newest first, page by page: a page begins after the (created_at, id) of the last
// run before it, which never change.
#include <cstddef>
#include <optional>
#include <string>

#include "repositories/array.h"
#include "repositories/errors.h"
#include "repositories/job_repository.h"
#include "repositories/job_run_row.h"
#include "repositories/page.h"
#include "repositories/position.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// $1 and $2 the first and last day or $3 and $4 the range of instants, all NULL for any; $5 the
// states or NULL; $6 and $7 the position, whose place the range's end takes before the first page;
// $8 how many.
// clang-format off
#define AQUIFER_JOB_RUNS(condition)                                                              \
  "SELECT " AQUIFER_JOB_RUN_COLUMNS ", run.id "                                                  \
  "FROM aquifer.job_runs AS run "                                                                \
  "WHERE " condition                                                                             \
  "run.created_at >= COALESCE($1::date::timestamptz, $3::timestamptz, '-infinity') "             \
  "AND (run.created_at, run.id) < ("                                                             \
      "COALESCE($6::timestamptz, ($2::date + 1)::timestamptz, $4::timestamptz, 'infinity'), "    \
      "$7::bigint) "                                                                             \
  "AND ($5::text[] IS NULL OR run.state = ANY($5::text[])) "                                     \
  "ORDER BY run.created_at DESC, run.id DESC "                                                   \
  "LIMIT $8::bigint"
// clang-format on

constexpr Statement kList = {"job_runs.list", AQUIFER_JOB_RUNS("")};
constexpr Statement kListOfJob = {"job_runs.list_of_job",
                                  AQUIFER_JOB_RUNS("run.job = $9::text AND ")};

absl::StatusOr<std::optional<std::string>> StatesOf(const v1::ListJobRunsRequest& request) {
  ArrayParameter states;
  for (int i = 0; i < request.states_size(); ++i) {
    if (request.states(i) == v1::JOB_RUN_STATE_UNSPECIFIED) {
      return InvalidFields(
          {{absl::StrCat("states[", i, "]"), "must be RUNNING, SUCCEEDED or FAILED"}});
    }
    states.Add(JobRunStateText(request.states(i)));
  }
  return states.empty() ? std::nullopt : std::optional(states.Text());
}

pqxx::result RunList(Session& session, const v1::ListJobRunsRequest& request,
                     const std::optional<std::string>& states, const TimePosition& position,
                     std::int64_t limit) {
  std::optional<std::string> first, last, start, end;
  if (request.has_days()) {
    first = DayText(request.days().first());
    last = DayText(request.days().last());
  }
  if (request.has_instants()) {
    start = InstantText(request.instants().start());
    end = InstantText(request.instants().end());
  }
  if (request.job().empty()) {
    return session.Run(kList, first, last, start, end, states, position.at, position.id, limit);
  }
  return session.Run(kListOfJob, first, last, start, end, states, position.at, position.id, limit,
                     request.job());
}

}  // namespace

absl::StatusOr<v1::ListJobRunsResponse> JobRepository::ListJobRuns(
    const v1::ListJobRunsRequest& request) {
  const auto states = StatesOf(request);
  if (!states.ok()) return states.status();
  const auto position = DecodeTimePosition(request, request.page_token());
  if (!position.ok()) return position.status();
  const std::int32_t page_size = PageSize(request.page_size());

  // One more than the page, to know whether there is another.
  const pqxx::result rows = RunList(session_, request, *states, *position, page_size + 1);
  v1::ListJobRunsResponse response;
  std::size_t bytes = 0;
  std::int64_t last_id = 0;
  for (const auto& fields : rows) {
    if (response.runs_size() == page_size || bytes >= kMostPageBytes) {
      const v1::JobRun& last = response.runs(response.runs_size() - 1);
      response.set_next_page_token(EncodeTimePosition(request, last.created_at(), last_id));
      break;
    }
    v1::JobRun& run = *response.add_runs();
    JobRunFrom(Row(fields), run);
    last_id = Row(fields).Int(AQUIFER_JOB_RUN_COLUMN_COUNT);
    bytes += run.ByteSizeLong();
  }
  return response;
}

StatementList JobRunListStatements() {
  static constexpr const Statement* kAll[] = {&kList, &kListOfJob};
  return kAll;
}

}  // namespace aquifer
