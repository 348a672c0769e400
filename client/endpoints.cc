#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <netdb.h>

#include <memory>
#include <utility>

#include "client/channels.h"

namespace aquifer::client {
namespace {

struct HostAndPort {
  std::string host;
  std::string port;
};

// "host:port", "[::1]:port".
absl::StatusOr<HostAndPort> Split(const std::string& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  if (colon != std::string::npos && colon > 0 && colon + 1 < endpoint.size()) {
    std::string host = endpoint.substr(0, colon);
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    if (!host.empty()) return HostAndPort{std::move(host), endpoint.substr(colon + 1)};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", endpoint, "\" is no endpoint; it takes host:port"));
}

// The addresses of one family, as gRPC writes them; empty if there is none.
std::vector<std::string> AddressesOf(const HostAndPort& endpoint, int family) {
  addrinfo hints = {};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(endpoint.host.c_str(), nullptr, &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0,
                    NI_NUMERICHOST) != 0) {
      continue;
    }
    addresses.push_back(family == AF_INET6 ? absl::StrCat("[", text, "]:", endpoint.port)
                                           : absl::StrCat(text, ":", endpoint.port));
  }
  return addresses;
}

// gRPC takes a list of addresses of one family, so every endpoint must have one of it.
absl::StatusOr<std::string> TargetOfFamily(const std::vector<std::string>& endpoints, int family) {
  std::vector<std::string> all;
  for (const std::string& endpoint : endpoints) {
    const auto parts = Split(endpoint);
    if (!parts.ok()) return parts.status();
    const std::vector<std::string> addresses = AddressesOf(*parts, family);
    if (addresses.empty()) {
      return absl::NotFoundError(absl::StrCat("there is no address for ", endpoint));
    }
    all.insert(all.end(), addresses.begin(), addresses.end());
  }
  return absl::StrCat(family == AF_INET ? "ipv4:" : "ipv6:", absl::StrJoin(all, ","));
}

}  // namespace

absl::StatusOr<std::string> TargetOf(const std::vector<std::string>& endpoints) {
  if (endpoints.empty()) return absl::InvalidArgumentError("there must be an endpoint");
  if (endpoints.size() == 1) {
    const std::string& endpoint = endpoints.front();
    if (absl::StartsWith(endpoint, "unix:")) return endpoint;
    if (const auto parts = Split(endpoint); !parts.ok()) return parts.status();
    return absl::StrCat("dns:///", endpoint);
  }
  for (const std::string& endpoint : endpoints) {
    if (!absl::StartsWith(endpoint, "unix:")) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("\"", endpoint, "\" is a Unix socket and cannot be one of several endpoints"));
  }
  auto target = TargetOfFamily(endpoints, AF_INET);
  if (!absl::IsNotFound(target.status())) return target;
  auto other = TargetOfFamily(endpoints, AF_INET6);
  return other.ok() ? other : target;
}

}  // namespace aquifer::client
