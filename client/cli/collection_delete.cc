// Deletes the lines that somebody has seen counted.
#include <absl/strings/str_cat.h>

#include "aquifer/v1/collection.pb.h"
#include "client/cli/collection_commands.h"
#include "client/cli/collection_filter.h"
#include "client/cli/exit_code.h"
#include "client/cli/message_text.h"
#include "client/cli/method_command.h"

namespace aquifer::cli {
namespace {

constexpr char kExamples[] =
    "Counts first and asks; what is counted is what is deleted, or nothing is.\n"
    "\n"
    "Examples:\n"
    "  aquifer collections delete --days 2026-03-28 --device 164 --reason 'test data'\n"
    "  aquifer collections delete --days 2026-03-28 --reason 'test data' --yes";

std::string LinesText(std::int64_t count) {
  return absl::StrCat(count, count == 1 ? " line" : " lines");
}

absl::StatusOr<int> Delete(Session& session, const Fill& fill) {
  v1::DeleteCollectionsRequest request;
  if (absl::Status status = fill(request); !status.ok()) return status;
  request.set_dry_run(true);
  v1::DeleteCollectionsResponse answer;
  if (absl::Status status = session.Call(request, answer); !status.ok()) return status;
  if (answer.matched() > 0) {
    const std::string question = absl::StrCat("Delete ", LinesText(answer.matched()), ", ",
                                              MoneyText(answer.total_minor()), " in all?");
    if (absl::Status status = session.Confirm(question); !status.ok()) return status;
  }
  request.set_expected_count(answer.matched());
  if (absl::Status status = session.Call(request, answer); !status.ok()) return status;
  if (session.options().output == Output::kJson) {
    const absl::Status status = session.PrintJson(answer, Session::Layout::kLine);
    return status.ok() ? absl::StatusOr<int>(kExitOk) : status;
  }
  session.out() << LinesText(answer.deleted()) << " deleted, " << MoneyText(answer.total_minor())
                << " in all\n";
  return kExitOk;
}

}  // namespace

void AddDelete(const CommandTree& tree, CLI::App& collections) {
  auto fill = std::make_shared<Fill>();
  CLI::App& app =
      tree.AddCommand(collections, "delete", "Delete lines, 10,000 at most; asks.", kExamples,
                      [fill](Session& session) { return Delete(session, *fill); });
  *fill =
      AddArguments(app, v1::DeleteCollectionsRequest::default_instance(),
                   WithFilter({{"--reason", "reason", "Why, for the audit trail.", Need::kRequired},
                               {"--actor", "actor", "Who wants it, for the audit trail."}}));
}

}  // namespace aquifer::cli
