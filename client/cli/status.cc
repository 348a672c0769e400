// One look at the service, and one look after the other.
#include <absl/time/clock.h>

#include <memory>
#include <ostream>

#include "client/cli/command.h"
#include "client/cli/exit_code.h"
#include "client/cli/status_screen.h"

namespace aquifer::cli {
namespace {

constexpr char kStatusExamples[] =
    "  aquifer status\n"
    "  aquifer status -o json | jq .pool";

constexpr char kTopExamples[] =
    "Ctrl-C ends it. While nobody answers it says so and goes on looking.\n"
    "\n"
    "Examples:\n"
    "  aquifer top\n"
    "  aquifer top --interval 5\n"
    "  aquifer top --once";

// Upper left corner, and nothing below.
constexpr char kClear[] = "\033[H\033[J";

// All that the server tells, and what leaves the rest of a small terminal in sight.
constexpr int kAllStatements = 10;
constexpr int kTopStatements = 3;

absl::StatusOr<v1::GetStatusResponse> Look(Session& session) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  client::CallOptions options = session.CallOptions();
  options.retries = client::Retries::kNone;
  return (*client)->admin().GetStatus({}, options);
}

absl::StatusOr<int> Status(Session& session) {
  const auto status = Look(session);
  if (!status.ok()) return status.status();
  if (session.options().output == Output::kJson) {
    const absl::Status printed = session.PrintJson(*status, Session::Layout::kLines);
    return printed.ok() ? absl::StatusOr<int>(kExitOk) : printed;
  }
  session.out() << StatusScreen(*status, kAllStatements);
  return kExitOk;
}

struct TopArguments {
  double interval_s = 2;
  bool once = false;
};

absl::StatusOr<int> Top(Session& session, const TopArguments& arguments) {
  if (arguments.once) return Status(session);
  while (session.out()) {
    const auto status = Look(session);
    session.out() << kClear << absl::FormatTime("%H:%M:%S", absl::Now(), absl::LocalTimeZone())
                  << "  " << session.options().address << "\n\n";
    if (status.ok()) {
      session.out() << StatusScreen(*status, kTopStatements);
    } else {
      session.out() << "no answer: " << status.status().message() << "\n";
    }
    session.out() << std::flush;
    absl::SleepFor(absl::Seconds(arguments.interval_s));
  }
  return kExitOk;
}

}  // namespace

void AddStatus(const CommandTree& tree) {
  tree.AddCommand(tree.root, "status",
                  "Show health, pool, database and slow statements on one screen.", kStatusExamples,
                  Status);
}

void AddTop(const CommandTree& tree) {
  auto arguments = std::make_shared<TopArguments>();
  CLI::App& app =
      tree.AddCommand(tree.root, "top", "Show the status again and again.", kTopExamples,
                      [arguments](Session& session) { return Top(session, *arguments); });
  app.add_option("--interval", arguments->interval_s, "Seconds between two looks (2).")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 3600.0).description(""));
  app.add_flag("--once", arguments->once, "Show it once, without redrawing.");
}

}  // namespace aquifer::cli
