#include "server/documentation.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <google/protobuf/descriptor.h>

#include <vector>

#include "aquifer/v1/admin.pb.h"
#include "aquifer/v1/collection.pb.h"
#include "aquifer/v1/job.pb.h"
#include "aquifer/v1/maintenance.pb.h"
#include "aquifer/v1/options.pb.h"
#include "aquifer/v1/transaction.pb.h"
#include "aquifer/v1/worker.pb.h"
#include "repositories/enum_text.h"
#include "repositories/errors.h"
#include "repositories/task_transitions.h"
#include "server/options_table.h"

namespace aquifer {
namespace {

std::string Row(const std::vector<std::string>& cells) {
  return absl::StrCat("| ", absl::StrJoin(cells, " | "), " |\n");
}

std::string Header(const std::vector<std::string>& cells) {
  return absl::StrCat(Row(cells), Row(std::vector<std::string>(cells.size(), "---")));
}

std::string Code(absl::string_view text) { return absl::StrCat("`", text, "`"); }

// "20; production 50" for a setting that profiles change.
std::string DefaultOf(const OptionSpec& spec) {
  constexpr absl::string_view kProfiles[] = {"development", "staging", "production"};
  const std::string value = ShowOption(spec, ServerOptions{});
  std::string out = value.empty() ? std::string(spec.default_note) : Code(value);
  for (std::size_t i = 0; i < spec.by_profile.size(); ++i) {
    if (spec.by_profile[i].empty() || spec.by_profile[i] == value) continue;
    absl::StrAppend(&out, "; ", kProfiles[i], " ", Code(spec.by_profile[i]));
  }
  return out;
}

std::string RetryWords(Retry retry) {
  switch (retry) {
    case Retry::kNever:
      return "no";
    case Retry::kSafe:
      return "yes";
    case Retry::kIfIdempotent:
      break;
  }
  return "if the method is safe to repeat";
}

// "read only" for TRANSACTION_READ_ONLY.
template <typename Enum>
std::string Words(Enum value, absl::string_view prefix) {
  std::string name = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value)->name();
  return absl::StrReplaceAll(absl::AsciiStrToLower(name.substr(prefix.size())), {{"_", " "}});
}

std::string RepeatWords(v1::Idempotence idempotence) {
  switch (idempotence) {
    case v1::IDEMPOTENCE_READ:
      return "safe, it only reads";
    case v1::IDEMPOTENCE_BY_KEY:
      return "safe, by its key";
    case v1::IDEMPOTENCE_GUARDED:
      return "safe with its request_id, else refused";
    case v1::IDEMPOTENCE_BY_REQUEST_ID:
      return "safe with its request_id, else a second write";
    default:
      return "unknown";
  }
}

// "read only, without BEGIN, up to 128 calls in one"
std::string TransactionWords(const v1::MethodPolicy& policy) {
  std::string words = Words(policy.transaction(), "TRANSACTION_");
  if (policy.implicit_transaction()) absl::StrAppend(&words, ", without BEGIN");
  if (policy.max_joined() > 0) {
    absl::StrAppend(&words, ", up to ", policy.max_joined(), " calls in one");
  }
  return words;
}

std::string MethodName(const google::protobuf::MethodDescriptor& method) {
  std::string name = Code(method.name());
  if (method.client_streaming()) absl::StrAppend(&name, " (client stream)");
  if (method.server_streaming()) absl::StrAppend(&name, " (server stream)");
  return name;
}

void AppendService(const google::protobuf::ServiceDescriptor& service, std::string& out) {
  for (int i = 0; i < service.method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *service.method(i);
    const v1::MethodPolicy& policy = method.options().GetExtension(v1::policy);
    absl::StrAppend(&out,
                    Row({service.name(), MethodName(method), Words(policy.access(), "ACCESS_"),
                         TransactionWords(policy), RepeatWords(policy.idempotence()),
                         Words(policy.priority(), "PRIORITY_"),
                         absl::StrCat(policy.default_deadline_ms(), " ms")}));
  }
}

}  // namespace

std::string OptionsMarkdown() {
  std::string out = Header({"Environment", "Flag", "Default", "Allowed", "What it sets"});
  for (const OptionSpec& spec : OptionTable()) {
    std::string variables = Code(VariableOf(spec));
    if (!spec.other_variable.empty()) {
      variables = absl::StrCat(Code(spec.other_variable), " or ", variables);
    }
    absl::StrAppend(&out, Row({variables, Code(FlagOf(spec)), DefaultOf(spec), AllowedOf(spec),
                               std::string(spec.help)}));
  }
  return out;
}

std::string ErrorsMarkdown() {
  std::string out = Header({"Reason", "Code", "Retry", "Cause", "What to do"});
  for (const ErrorEntry& entry : ErrorCatalogue()) {
    absl::StrAppend(
        &out, Row({Code(entry.name), absl::StatusCodeToString(entry.code), RetryWords(entry.retry),
                   std::string(entry.cause), std::string(entry.remedy)}));
  }
  return out;
}

std::string RpcsMarkdown() {
  const google::protobuf::FileDescriptor* const files[] = {
      v1::GetCollectionRequest::descriptor()->file(), v1::BeginJobRunRequest::descriptor()->file(),
      v1::GetTaskRequest::descriptor()->file(),       v1::GetWorkerRequest::descriptor()->file(),
      v1::ExecuteRequest::descriptor()->file(),       v1::GetStatusRequest::descriptor()->file(),
  };
  std::string out =
      Header({"Service", "Method", "Role", "Transaction", "A repeat is", "Priority", "Deadline"});
  for (const google::protobuf::FileDescriptor* file : files) {
    for (int i = 0; i < file->service_count(); ++i) AppendService(*file->service(i), out);
  }
  return out;
}

std::string TaskMovesMarkdown() {
  std::string out = Header({"From", "To", "When"});
  for (const TaskMove& move : kLegalTaskMoves) {
    absl::StrAppend(
        &out, Row({Code(EnumText(move.from)), Code(EnumText(move.to)), std::string(move.when)}));
  }
  return out;
}

}  // namespace aquifer
