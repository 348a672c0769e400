#include "aquifer/v1/maintenance.pb.h"
#include "client/cli/method_command.h"

namespace aquifer::cli {
namespace {

const std::vector<Column> kColumns = {{"device", "device_id"},
                                      {"name", "details.name", true},
                                      {"location", "details.location", true},
                                      {"status", "details.status"},
                                      {"water %", "details.water_level_percent", true},
                                      {"filter days", "details.filter_life_days", true},
                                      {"water quality", "water_quality", true},
                                      {"last maintenance", "details.last_maintenance_at", true},
                                      {"next maintenance", "details.next_maintenance_at", true},
                                      {"alerts", "details.alerts.texts", true}};

MethodCommand List() {
  return {.name = "list",
          .summary = "Show machines, by device.",
          .examples =
              "  aquifer machines list --status low-water\n"
              "  aquifer machines list --max-water 20",
          .request = v1::ListMachinesRequest::default_instance(),
          .arguments = {{"--device", "filter.device_ids", "May be given again."},
                        {"--status", "filter.statuses", "May be given again."},
                        {"--max-water", "filter.max_water_level_percent",
                         "Only with this many percent of water at most."},
                        {"--max-filter-days", "filter.max_filter_life_days",
                         "Only with this many days of filter life at most."},
                        {"--due-by", "filter.maintenance_due_by", "Only due by then."},
                        {"--alerts", "filter.with_alerts_only", "Only those with alerts."},
                        {"--text", "filter.text", "Only those that hold this."}},
          .records = "machines",
          .columns = kColumns};
}

MethodCommand Get() {
  return {.name = "get",
          .summary = "Show one machine.",
          .examples = "  aquifer machines get 164",
          .request = v1::GetMachineRequest::default_instance(),
          .arguments = {{"device", "device_id", "The device.", Need::kRequired}},
          .records = "machine",
          .columns = kColumns};
}

}  // namespace

void AddMachines(const CommandTree& tree) {
  CLI::App& group = tree.AddGroup("machines", "The machines and how they are.");
  for (const MethodCommand& command : {List(), Get()}) AddMethodCommand(tree, group, command);
}

}  // namespace aquifer::cli
