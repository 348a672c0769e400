// Any method of the API by its name.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <google/protobuf/util/json_util.h>

#include <istream>
#include <iterator>
#include <memory>

#include "aquifer/v1/options.pb.h"
#include "client/cli/command.h"
#include "client/cli/exit_code.h"
#include "client/methods.h"

namespace aquifer::cli {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr char kExamples[] =
    "METHOD is a method's name alone or with its service; proto/REFERENCE.md lists them.\n"
    "JSON is the request, \"-\" reads it from standard input. Answers are JSON. What only\n"
    "an administrator may, or deletes, asks first.\n"
    "\n"
    "Examples:\n"
    "  aquifer call GetStatus\n"
    "  aquifer call GetWorker '{\"id\": 1}'\n"
    "  aquifer call aquifer.v1.MaintenanceRepository/CountTasks '{}'\n"
    "  echo '{\"job\": \"daily-fetch\"}' | aquifer call ListJobRuns -";

const MethodDescriptor* FindMethod(const std::string& name) {
  const std::string wanted = absl::StrReplaceAll(name, {{"/", "."}});
  for (const MethodDescriptor* method : client::AllMethods()) {
    const std::string& full = method->full_name();
    if (full == wanted || absl::EndsWith(full, "." + wanted)) return method;
  }
  return nullptr;
}

bool IsDestructive(const MethodDescriptor& method) {
  return client::Called(method).policy.access() == v1::ACCESS_ADMIN ||
         absl::StartsWith(method.name(), "Delete");
}

struct CallArguments {
  std::string method;
  std::string json = "{}";
};

absl::StatusOr<int> Call(Session& session, const CallArguments& arguments) {
  const MethodDescriptor* method = FindMethod(arguments.method);
  if (method == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no method \"", arguments.method,
                                                   "\"; proto/REFERENCE.md lists them"));
  }
  if (method->client_streaming() || method->server_streaming()) {
    return absl::InvalidArgumentError(absl::StrCat(
        method->name(), " is a stream; aquifer collections import and export use those"));
  }
  auto* const factory = google::protobuf::MessageFactory::generated_factory();
  const std::unique_ptr<Message> request(factory->GetPrototype(method->input_type())->New());
  const std::unique_ptr<Message> answer(factory->GetPrototype(method->output_type())->New());
  std::string json = arguments.json;
  if (json == "-") json.assign(std::istreambuf_iterator<char>(session.streams().in), {});
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, request.get());
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the request is no ", method->input_type()->name(), ": ", std::string(parsed.message())));
  }
  if (IsDestructive(*method)) {
    const absl::Status agreed = session.Confirm(absl::StrCat("Call ", method->name(), "?"));
    if (!agreed.ok()) return agreed;
  }
  // By the connection that also reaches an instance which is not healthy.
  const auto client = method->service()->name() == "Admin" ? session.Connect() : session.Reach();
  if (!client.ok()) return client.status();
  absl::Status status = session.CallOver(**client, *request, *answer);
  if (status.ok()) status = session.PrintJson(*answer, Session::Layout::kLines);
  if (!status.ok()) return status;
  return kExitOk;
}

}  // namespace

void AddCall(const CommandTree& tree) {
  auto arguments = std::make_shared<CallArguments>();
  CLI::App& app =
      tree.AddCommand(tree.root, "call", "Call any method of the API with JSON.", kExamples,
                      [arguments](Session& session) { return Call(session, *arguments); });
  app.add_option("method", arguments->method, "The method.")->type_name("METHOD")->required();
  app.add_option("json", arguments->json, "The request; {} without it.")->type_name("JSON");
}

}  // namespace aquifer::cli
