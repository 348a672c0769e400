#include "aquifer/v1/maintenance.pb.h"
#include "client/cli/method_command.h"

namespace aquifer::cli {
namespace {

// Of a MaintenanceTask at `path` within a record.
std::vector<Column> Columns(const std::string& path = "") {
  return {{"id", path + "id"},
          {"title", path + "details.title"},
          {"type", path + "details.type"},
          {"priority", path + "details.priority"},
          {"status", path + "status"},
          {"device", path + "details.device_id", true},
          {"scheduled at", path + "details.scheduled_at", true},
          {"technician", path + "technician_name", true},
          {"completed at", path + "completed_at", true}};
}

MethodCommand List() {
  return {.name = "list",
          .summary = "Show tasks, newest first.",
          .examples =
              "  aquifer tasks list --status pending --status scheduled\n"
              "  aquifer tasks list --device 164 --type filter-replacement",
          .request = v1::ListTasksRequest::default_instance(),
          .arguments = {{"--status", "filter.statuses", "Only this state; may be given again."},
                        {"--priority", "filter.priorities", "May be given again."},
                        {"--type", "filter.types", "May be given again."},
                        {"--device", "filter.device_ids", "May be given again."},
                        {"--technician", "filter.technician_ids", "May be given again."},
                        {"--unassigned", "filter.unassigned_only", "Only those of nobody."},
                        {"--scheduled", "filter.days", "Scheduled on these civil days."},
                        {"--text", "filter.text", "Only those that hold this."},
                        {"--order", "order", "Which come first."}},
          .records = "tasks",
          .columns = Columns()};
}

MethodCommand Get() {
  return {.name = "get",
          .summary = "Show one task.",
          .examples = "  aquifer tasks get 1",
          .request = v1::GetTaskRequest::default_instance(),
          .arguments = {{"id", "id", "The task.", Need::kRequired}},
          .records = "task",
          .columns = Columns()};
}

MethodCommand Create() {
  return {.name = "create",
          .summary = "Create a task.",
          .examples =
              "  aquifer tasks create 'Replace the filter' --type filter-replacement "
              "--priority high",
          .request = v1::CreateTaskRequest::default_instance(),
          .arguments = {{"title", "details.title", "What to do.", Need::kRequired},
                        {"--type", "details.type", "What kind it is.", Need::kRequired},
                        {"--priority", "details.priority", "How urgent it is."},
                        {"--device", "details.device_id", "The machine; it must be registered."},
                        {"--scheduled-at", "details.scheduled_at", "When it is due."},
                        {"--location", "details.location", "Where."},
                        {"--description", "details.description", "More about it."},
                        {"--technician", "technician_id", "Who does it."}},
          .records = "task",
          .columns = Columns()};
}

MethodCommand Move() {
  return {.name = "move",
          .summary = "Move a task to another state.",
          .examples = "  aquifer tasks move 1 in-progress\n  aquifer tasks move 1 completed",
          .request = v1::TransitionTaskRequest::default_instance(),
          .arguments = {{"id", "id", "The task.", Need::kRequired},
                        {"state", "to", "The state to move to.", Need::kRequired},
                        {"--scheduled-at", "scheduled_at", "When it is due."},
                        {"--completed-at", "completed_at", "When it was done; now without it."}},
          .records = "task",
          .columns = Columns(),
          .read = &v1::GetTaskRequest::default_instance()};
}

MethodCommand Assign() {
  return {.name = "assign",
          .summary = "Give a task to a technician, or to nobody.",
          .examples = "  aquifer tasks assign 1 --technician 1\n  aquifer tasks assign 1",
          .request = v1::AssignTaskRequest::default_instance(),
          .arguments = {{"id", "id", "The task.", Need::kRequired},
                        {"--technician", "technician_id", "Who does it."}},
          .records = "task",
          .columns = Columns(),
          .read = &v1::GetTaskRequest::default_instance()};
}

MethodCommand Alerts() {
  std::vector<Column> columns = Columns("task.");
  columns.push_back({"overdue", "overdue"});
  return {.name = "alerts",
          .summary = "Show what is urgent: priority high or critical, or overdue.",
          .examples = "  aquifer tasks alerts",
          .request = v1::ListAlertsRequest::default_instance(),
          .arguments = {{"--device", "device_ids", "Only of this device; may be given again."},
                        {"--technician", "technician_ids", "May be given again."}},
          .records = "alerts",
          .columns = columns};
}

MethodCommand Delete() {
  return {.name = "delete",
          .summary = "Delete a task for good; asks.",
          .examples = "  aquifer tasks delete 1\n  aquifer tasks delete 1 --yes",
          .request = v1::DeleteTaskRequest::default_instance(),
          .arguments = {{"id", "id", "The task.", Need::kRequired}},
          .read = &v1::GetTaskRequest::default_instance(),
          .question = "Delete task {id} for good?"};
}

}  // namespace

void AddTasks(const CommandTree& tree) {
  CLI::App& group = tree.AddGroup("tasks", "Maintenance tasks.");
  for (const MethodCommand& command :
       {List(), Get(), Create(), Move(), Assign(), Alerts(), Delete()}) {
    AddMethodCommand(tree, group, command);
  }
}

}  // namespace aquifer::cli
