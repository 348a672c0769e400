// The commands of collections. Import, export and delete have files of their own.
#include <vector>

#include "aquifer/v1/collection.pb.h"
#include "client/cli/collection_commands.h"
#include "client/cli/collection_filter.h"
#include "client/cli/method_command.h"

namespace aquifer::cli {
namespace {

const std::vector<Column> kLineColumns = {{"id", "id"},
                                          {"device", "device_id"},
                                          {"collected at", "collected_at"},
                                          {"day", "day"},
                                          {"notes", "banknotes_minor"},
                                          {"coins", "coins_minor"},
                                          {"total", "total_minor"},
                                          {"collector", "collector.text", true},
                                          {"worker", "collector.worker_name", true},
                                          {"machine", "machine", true}};

MethodCommand Record() {
  return {.name = "record",
          .summary = "Store one line, or raise the amounts of the line that is there.",
          .examples =
              "  aquifer collections record 164 '2026-03-28 14:05:09' --notes 1520 --coins "
              "14.50",
          .request = v1::RecordCollectionRequest::default_instance(),
          .arguments = {{"device", "line.device_id", "The device.", Need::kRequired},
                        {"time", "line.wall_time", "The fleet's wall clock.", Need::kRequired},
                        {"--notes", "line.banknotes_text", "The notes taken, such as 1520.50."},
                        {"--coins", "line.coins_text", "The coins taken."},
                        {"--collector", "line.collector", "Who took it, as the vendor writes it."},
                        {"--card", "line.card_id", "The collector's card."},
                        {"--note", "line.note", "The vendor's description."},
                        {"--machine", "line.machine", "The machine's name."}},
          .columns = {{"outcome", "outcome"},
                      {"id", "collection.id"},
                      {"device", "collection.device_id"},
                      {"collected at", "collection.collected_at"},
                      {"notes", "collection.banknotes_minor"},
                      {"coins", "collection.coins_minor"},
                      {"total", "collection.total_minor"}}};
}

MethodCommand List() {
  return {.name = "list",
          .summary = "Show lines, newest first.",
          .examples =
              "  aquifer collections list --days 2026-03-28\n"
              "  aquifer collections list --device 164 --order oldest-first --limit 10",
          .request = v1::ListCollectionsRequest::default_instance(),
          .arguments = WithFilter({{"--order", "order", "Which come first."}}),
          .records = "collections",
          .columns = kLineColumns};
}

MethodCommand Summary() {
  return {.name = "summary",
          .summary = "Sum lines by day, week, month, device or collector.",
          .examples =
              "  aquifer collections summary --days 2026-03-01..2026-03-31 --by day\n"
              "  aquifer collections summary --days 2026-03-28 --by device --order total",
          .request = v1::SummarizeCollectionsRequest::default_instance(),
          .arguments = WithFilter({{"--by", "group_by", "What to sum by; twice for a pair."},
                                   {"--order", "order", "By the group or by the largest total."},
                                   {"--limit", "limit", "How many groups at most."}}),
          .records = "groups",
          .columns = {{"from", "period_start", true},
                      {"device", "device_id", true},
                      {"collector", "collector.text", true},
                      {"worker", "collector.worker_name", true},
                      {"lines", "lines"},
                      {"visits", "visits"},
                      {"devices", "devices"},
                      {"notes", "banknotes_minor"},
                      {"coins", "coins_minor"},
                      {"total", "total_minor"}},
          .total = "total"};
}

MethodCommand Missing() {
  return {.name = "missing",
          .summary = "Show the device-days that were never fetched, failed or came back empty.",
          .examples =
              "  aquifer collections missing --days 2026-03-01..2026-03-31\n"
              "  aquifer collections missing --days 2026-03-28 --state never --state failed",
          .request = v1::FindMissingRequest::default_instance(),
          .arguments = {{"--days", "days", "Which civil days.", Need::kRequired},
                        {"--device", "device_ids", "Only this device; may be given again."},
                        {"--state", "states", "Only this state; may be given again."}},
          .records = "missing",
          .columns = {{"day", "day"},
                      {"device", "device_id"},
                      {"state", "state"},
                      {"attempts", "attempts"},
                      {"error", "error", true}}};
}

}  // namespace

void AddCollections(const CommandTree& tree) {
  CLI::App& group = tree.AddGroup("collections", "The money taken out of machines.");
  for (const MethodCommand& command : {Record(), List(), Summary(), Missing()}) {
    AddMethodCommand(tree, group, command);
  }
  AddImport(tree, group);
  AddExport(tree, group);
  AddDelete(tree, group);
}

}  // namespace aquifer::cli
