#include "aquifer/health.h"

#include "client/caller.h"
#include "grpc/health/v1/health.pb.h"

namespace aquifer::client {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// The health protocol is not ours and states no policy.
v1::MethodPolicy HealthPolicy() {
  v1::MethodPolicy policy;
  policy.set_idempotence(v1::IDEMPOTENCE_READ);
  policy.set_default_deadline_ms(2000);
  return policy;
}

}  // namespace

absl::StatusOr<Serving> Health::Check(const std::string& service,
                                      const CallOptions& options) const {
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  const std::string name = "grpc.health.v1.Health.Check";
  absl::Status status = caller_.Call({name, HealthPolicy()}, request, response, options);
  if (!status.ok()) return status;
  return response.status() == HealthCheckResponse::SERVING ? Serving::kYes : Serving::kNo;
}

}  // namespace aquifer::client
