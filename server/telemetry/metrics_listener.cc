#include "server/telemetry/metrics_listener.h"

#include <absl/memory/memory.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <prometheus/collectable.h>
#include <sys/socket.h>

#include <array>
#include <exception>
#include <utility>

namespace aquifer {
namespace {

// A scrape takes a millisecond; two threads let a slow scraper not block another.
constexpr std::size_t kThreads = 2;

// The first IP address of `host`, as the HTTP server wants it; empty if it has none.
std::string NumericAddress(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return "";
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  std::array<char, NI_MAXHOST> text;
  if (getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0,
                  NI_NUMERICHOST) != 0) {
    return "";
  }
  return absl::StrContains(text.data(), ':') ? absl::StrCat("[", text.data(), "]") : text.data();
}

}  // namespace

class MetricsListener::Source final : public prometheus::Collectable {
 public:
  explicit Source(const Metrics& metrics) : metrics_(metrics) {}
  std::vector<prometheus::MetricFamily> Collect() const override { return metrics_.Collect(); }

 private:
  const Metrics& metrics_;
};

MetricsListener::MetricsListener(const std::string& host, const std::string& bind,
                                 const Metrics& metrics)
    : source_(std::make_shared<Source>(metrics)),
      exposer_(bind, kThreads),
      address_(absl::StrCat(host, ":", exposer_.GetListeningPorts().front())) {
  exposer_.RegisterCollectable(source_);
}

absl::StatusOr<std::unique_ptr<MetricsListener>> MetricsListener::Start(const std::string& address,
                                                                        int port,
                                                                        const Metrics& metrics) {
  const std::string host = NumericAddress(address);
  const std::string bind = absl::StrCat(host, ":", port);
  try {
    // The HTTP server says that it cannot listen by throwing from its constructor.
    return absl::WrapUnique(new MetricsListener(host, bind, metrics));
  } catch (const std::exception&) {
    return absl::UnavailableError(absl::StrCat("cannot serve metrics on ", address, ":", port,
                                               "; is the port taken? See metrics_port"));
  }
}

}  // namespace aquifer
