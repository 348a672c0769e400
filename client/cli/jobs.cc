#include "aquifer/v1/job.pb.h"
#include "client/cli/method_command.h"

namespace aquifer::cli {
namespace {

MethodCommand List() {
  return {.name = "list",
          .summary = "Show the runs of jobs, newest first.",
          .examples =
              "  aquifer jobs list --job daily-fetch --state failed\n"
              "  aquifer jobs list --days 2026-03-28",
          .request = v1::ListJobRunsRequest::default_instance(),
          .arguments = {{"--job", "job", "Only of this job."},
                        {"--state", "states", "Only in this state; may be given again."},
                        {"--days", "days", "Only of these civil days."}},
          .records = "runs",
          .columns = {{"job", "job"},
                      {"key", "key"},
                      {"state", "state"},
                      {"attempt", "attempt"},
                      {"holder", "holder"},
                      {"began at", "began_at"},
                      {"finished at", "finished_at", true}}};
}

MethodCommand Undelivered() {
  return {.name = "undelivered",
          .summary = "Show whom a run has still to reach.",
          .examples = "  aquifer jobs undelivered summary 2026-03-28",
          .request = v1::ListUndeliveredRequest::default_instance(),
          .arguments = {{"job", "job", "The job.", Need::kRequired},
                        {"key", "key", "The run's key.", Need::kRequired}},
          .records = "recipients",
          .columns = {{"chat", "chat_id"},
                      {"worker", "worker_id"},
                      {"state", "state"},
                      {"error", "error", true}}};
}

}  // namespace

void AddJobs(const CommandTree& tree) {
  CLI::App& group = tree.AddGroup("jobs", "What ran, and what did not.");
  for (const MethodCommand& command : {List(), Undelivered()}) {
    AddMethodCommand(tree, group, command);
  }
}

}  // namespace aquifer::cli
