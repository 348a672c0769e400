// Answers GET /metrics in Prometheus' text format, on an HTTP port of its own.
#pragma once

#include <absl/status/statusor.h>
#include <prometheus/exposer.h>

#include <memory>
#include <string>

#include "server/telemetry/metrics.h"

namespace aquifer {

class MetricsListener {
 public:
  // On `address`, an IP address or a host name; port 0 picks one. UNAVAILABLE, naming the address,
  // if it cannot listen there. `metrics` must outlive the listener.
  static absl::StatusOr<std::unique_ptr<MetricsListener>> Start(const std::string& address,
                                                                int port, const Metrics& metrics);

  // "127.0.0.1:9464"
  const std::string& address() const { return address_; }

 private:
  class Source;

  MetricsListener(const std::string& host, const std::string& bind, const Metrics& metrics);

  // The exposer takes a weak one.
  const std::shared_ptr<Source> source_;
  prometheus::Exposer exposer_;
  const std::string address_;
};

}  // namespace aquifer
