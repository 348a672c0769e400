#include "client/service_config.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/descriptor.h>

#include <vector>

#include "aquifer/v1/options.pb.h"
#include "client/methods.h"

namespace aquifer::client {
namespace {

using google::protobuf::MethodDescriptor;

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
  for (const MethodDescriptor* method : AllMethods()) {
    if (!method->client_streaming() || !SafeByItself(*method)) continue;
    names.push_back(absl::StrCat(R"({"service": ")", method->service()->full_name(),
                                 R"(", "method": ")", method->name(), R"("})"));
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
