// Whether the service serves, for scripts and probes.
#include <memory>
#include <ostream>
#include <string>

#include "client/cli/command.h"
#include "client/cli/exit_code.h"

namespace aquifer::cli {
namespace {

constexpr char kExamples[] =
    "Exit codes: 0 it serves, 3 nobody answers, 4 it answers that it does not serve,\n"
    "1 it knows no such service. Asks once, within --timeout.\n"
    "\n"
    "Examples:\n"
    "  aquifer health\n"
    "  aquifer health --service readiness --timeout 1\n"
    "  aquifer health --service aquifer.v1.CollectionRepository";

absl::StatusOr<int> Health(Session& session, const std::string& service) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  client::CallOptions options = session.CallOptions();
  options.retries = client::Retries::kNone;
  const auto serving = (*client)->health().Check(service, options);
  if (!serving.ok()) return serving.status();
  const bool serves = *serving == client::Serving::kYes;
  const char* const answer = serves ? "serving" : "not serving";
  if (session.options().output == Output::kJson) {
    session.out() << "{\"serving\":" << (serves ? "true" : "false") << "}\n";
  } else {
    session.out() << answer << "\n";
  }
  return serves ? kExitOk : kExitNotServing;
}

}  // namespace

void AddHealth(const CommandTree& tree) {
  auto service = std::make_shared<std::string>();
  CLI::App& app =
      tree.AddCommand(tree.root, "health", "Ask whether it serves; the exit code tells.", kExamples,
                      [service](Session& session) { return Health(session, *service); });
  app.add_option("--service", *service,
                 "A service's full name, readiness or liveness; the whole without it.")
      ->type_name("NAME");
}

}  // namespace aquifer::cli
