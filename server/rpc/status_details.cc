#include "server/rpc/status_details.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace aquifer {
namespace {

// A status message travels in a header; a long one would break the header limit of some clients.
constexpr std::size_t kMostMessageBytes = 1024;

std::string Shortened(absl::string_view message) {
  if (message.size() <= kMostMessageBytes) return std::string(message);
  std::size_t end = kMostMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
  return std::string(message.substr(0, end)) + "...";
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status, const std::string& request_id) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(Shortened(status.message()));
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    google::protobuf::Any* any = details.add_details();
    any->set_type_url(std::string(type));
    any->set_value(std::string(payload));
  });
  google::rpc::RequestInfo request;
  request.set_request_id(request_id);
  details.add_details()->PackFrom(request);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(),
                      details.SerializeAsString());
}

}  // namespace aquifer
