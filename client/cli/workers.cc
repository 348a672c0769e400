#include "aquifer/v1/worker.pb.h"
#include "client/cli/method_command.h"

namespace aquifer::cli {
namespace {

const std::vector<Column> kColumns = {{"id", "id"},
                                      {"name", "name"},
                                      {"phone", "phone", true},
                                      {"chat", "chat_id"},
                                      {"employed", "employed"},
                                      {"on shift", "on_shift"},
                                      {"summaries", "receives_summaries"},
                                      {"deleted at", "deleted_at", true}};

MethodCommand List() {
  return {.name = "list",
          .summary = "Show workers, by id.",
          .examples =
              "  aquifer workers list --employed yes\n"
              "  aquifer workers list --search Olena",
          .request = v1::ListWorkersRequest::default_instance(),
          .arguments = {{"--employed", "filter.employed", "Only those employed, or not."},
                        {"--on-shift", "filter.on_shift", "Only those on shift, or not."},
                        {"--summaries", "filter.receives_summaries",
                         "Only those who receive summaries, or not."},
                        {"--search", "filter.search", "Only those whose name holds this."},
                        {"--deleted", "filter.include_deleted", "Deleted ones too."}},
          .records = "workers",
          .columns = kColumns};
}

MethodCommand Get() {
  return {.name = "get",
          .summary = "Show one worker.",
          .examples = "  aquifer workers get 1\n  aquifer workers get --chat 700000001",
          .request = v1::GetWorkerRequest::default_instance(),
          .arguments = {{"id", "id", "The worker."},
                        {"--chat", "chat_id", "The worker of this chat."},
                        {"--deleted", "include_deleted", "A deleted one too."}},
          .records = "worker",
          .columns = kColumns};
}

MethodCommand Register() {
  return {.name = "register",
          .summary = "Register the worker of a chat; again changes nothing.",
          .examples = "  aquifer workers register --chat 700000001 'Olena' --summaries yes",
          .request = v1::RegisterWorkerRequest::default_instance(),
          .arguments = {{"name", "worker.name", "The worker's name.", Need::kRequired},
                        {"--chat", "chat_id", "The worker's chat.", Need::kRequired},
                        {"--phone", "worker.phone", "The worker's phone."},
                        {"--summaries", "worker.receives_summaries",
                         "Whether the worker receives summaries."}},
          .columns = {{"outcome", "outcome"},
                      {"id", "worker.id"},
                      {"name", "worker.name"},
                      {"chat", "worker.chat_id"}}};
}

MethodCommand Create() {
  return {.name = "create",
          .summary = "Add a worker without a chat.",
          .examples = "  aquifer workers create 'Petro' --phone +380501112233",
          .request = v1::CreateWorkerRequest::default_instance(),
          .arguments = {{"name", "worker.name", "The worker's name.", Need::kRequired},
                        {"--phone", "worker.phone", "The worker's phone."}},
          .records = "worker",
          .columns = kColumns};
}

MethodCommand Statistics() {
  return {.name = "statistics",
          .summary = "Show what a worker did on some days.",
          .examples = "  aquifer workers statistics 1 --days 2026-03-01..2026-03-31",
          .request = v1::GetWorkerStatisticsRequest::default_instance(),
          .arguments = {{"id", "worker_id", "The worker.", Need::kRequired},
                        {"--days", "days", "Which civil days.", Need::kRequired}},
          .columns = {{"name", "worker.name"},
                      {"shifts", "shifts"},
                      {"time on shift", "time_on_shift"},
                      {"points", "points"},
                      {"devices visited", "devices_visited"},
                      {"lines", "collection_lines"},
                      {"devices collected", "devices_collected"},
                      {"notes", "banknotes_minor"},
                      {"coins", "coins_minor"},
                      {"total", "total_minor"}}};
}

MethodCommand Delete() {
  return {.name = "delete",
          .summary = "Delete a worker; asks.",
          .examples =
              "A soft deletion keeps the worker for what is past, a hard one does not.\n\n"
              "Examples:\n  aquifer workers delete 2\n"
              "  aquifer workers delete 2 --mode hard --yes",
          .request = v1::DeleteWorkerRequest::default_instance(),
          .arguments = {{"id", "id", "The worker.", Need::kRequired},
                        {"--mode", "mode", "How; soft without it."}},
          .records = "worker",
          .columns = kColumns,
          .read = &v1::GetWorkerRequest::default_instance(),
          .question = "Delete worker {id}?"};
}

}  // namespace

void AddWorkers(const CommandTree& tree) {
  CLI::App& group = tree.AddGroup("workers", "Who works, and on which chat.");
  for (const MethodCommand& command :
       {List(), Get(), Register(), Create(), Statistics(), Delete()}) {
    AddMethodCommand(tree, group, command);
  }
}

}  // namespace aquifer::cli
