#include "client/service_config.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/descriptor.h>

#include <vector>

#include "aquifer/v1/admin.pb.h"
#include "aquifer/v1/collection.pb.h"
#include "aquifer/v1/job.pb.h"
#include "aquifer/v1/maintenance.pb.h"
#include "aquifer/v1/options.pb.h"
#include "aquifer/v1/transaction.pb.h"
#include "aquifer/v1/worker.pb.h"

namespace aquifer::client {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// gRPC makes at most 5 tries, whatever it is told. The delays span a restart of the server.
constexpr char kRetryPolicy[] =
    R"({"maxAttempts": 5, "initialBackoff": "0.2s", "maxBackoff": "5s", "backoffMultiplier": 3, )"
    R"("retryableStatusCodes": ["UNAVAILABLE"]})";

bool SafeByItself(const MethodDescriptor& method) {
  const auto idempotence = method.options().GetExtension(v1::policy).idempotence();
  return idempotence == v1::IDEMPOTENCE_READ || idempotence == v1::IDEMPOTENCE_BY_KEY;
}

std::vector<std::string> NamesOfRetriedMethods() {
  std::vector<std::string> names;
  for (const FileDescriptor* file :
       {v1::GetStatusRequest::descriptor()->file(), v1::GetCollectionRequest::descriptor()->file(),
        v1::BeginJobRunRequest::descriptor()->file(), v1::GetTaskRequest::descriptor()->file(),
        v1::ExecuteRequest::descriptor()->file(), v1::GetWorkerRequest::descriptor()->file()}) {
    const ServiceDescriptor& service = *file->service(0);
    for (int i = 0; i < service.method_count(); ++i) {
      const MethodDescriptor& method = *service.method(i);
      if (!method.client_streaming() || !SafeByItself(method)) continue;
      names.push_back(absl::StrCat(R"({"service": ")", service.full_name(), R"(", "method": ")",
                                   method.name(), R"("})"));
    }
  }
  return names;
}

}  // namespace

std::string ServiceConfig(Balancing balancing, HealthChecks checks) {
  const bool turns = balancing == Balancing::kRoundRobin;
  return absl::StrCat(
      R"({"loadBalancingConfig": [{")", turns ? "round_robin" : "pick_first", R"(": {}}], )",
      checks == HealthChecks::kOn ? R"("healthCheckConfig": {"serviceName": ""}, )" : "",
      R"("methodConfig": [{"name": [)", absl::StrJoin(NamesOfRetriedMethods(), ", "),
      R"(], "retryPolicy": )", kRetryPolicy, "}]}");
}

}  // namespace aquifer::client
