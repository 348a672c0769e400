// Where the service is, and how it is called.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aquifer/tracing.h"

namespace aquifer::client {

// PEM texts, not paths.
struct TlsOptions {
  // Who may have signed the server's certificate; empty for the system's authorities.
  std::string root_certificates;
  // Who we are, where the server asks for it; both or neither.
  std::string certificate;
  std::string private_key;
  // The name in the server's certificate, where it is not the endpoint's.
  std::string server_name;
};

enum class Balancing {
  // kRoundRobin for several endpoints, kFirst for one.
  kAutomatic,
  // Calls go in turn to every instance that says it is healthy; a stopping one is left before it
  // refuses calls. While none is healthy, calls fail with UNAVAILABLE and no reason.
  kRoundRobin,
  // Calls go to the first instance that answers, healthy or not; so errors name their reason.
  kFirst,
};

// A call is tried again while its timeout allows, if the server advises it or the failure left it
// open whether it happened; the delays are the server's advice, else these.
struct RetryOptions {
  // 0 for no limit but the timeout; 1 for none.
  int max_tries = 0;
  // The first delay at most, doubled by each further failure; chance takes up to a half off.
  absl::Duration first_delay = absl::Milliseconds(50);
  absl::Duration longest_delay = absl::Seconds(1);
};

struct ConnectOptions {
  // "host:port", or "unix:/path" alone. A name is asked from DNS anew when connections break if it
  // is the only endpoint; several are looked up once, in Connect.
  std::vector<std::string> endpoints = {"127.0.0.1:50051"};
  // Who calls, where several programs share an address: callers take turns in the server's queue.
  std::string caller;
  Balancing balancing = Balancing::kAutomatic;
  // Of a call with all its tries; not set, each method's own.
  std::optional<absl::Duration> timeout = std::nullopt;
  RetryOptions retries = {};
  // Not set: plaintext.
  std::optional<TlsOptions> tls = std::nullopt;
  // Asked for a bearer token at every try; needs TLS. May block, and is called by many threads.
  std::function<absl::StatusOr<std::string>()> token = nullptr;
  // How long a connection may be silent before it is probed, 10 s at least, and how long it has to
  // answer, 6 s at least.
  absl::Duration keepalive = absl::Seconds(20);
  absl::Duration keepalive_timeout = absl::Seconds(10);
  // The largest answer taken.
  int max_message_bytes = 64 * 1024 * 1024;
  // Sees every try; must outlive the client's last call.
  std::shared_ptr<CallTracer> tracer = nullptr;
};

}  // namespace aquifer::client
