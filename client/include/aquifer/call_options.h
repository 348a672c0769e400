// What one call may be told, and what it tells beside its answer.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace aquifer::client {

using Metadata = std::vector<std::pair<std::string, std::string>>;

// Whether a call that failed is tried again; see RetryOptions for how.
enum class Retries { kAsConnected, kNone };

// Where a call waits in the server's queue: kAsMethod leaves it to the API's policy, kBulk goes
// behind everybody who waits for an answer.
enum class Urgency { kAsMethod, kBulk };

// How new what a read sees must be: "strong", "at-least=TOKEN", "stale=SECONDS" or "any", as the
// server's README says. Anything but strong may be answered by a replica.
inline std::string AtLeast(const std::string& token) {
  return token.empty() ? "strong" : "at-least=" + token;
}

// What a call tells of how it went.
struct CallReport {
  // The name of the last try in the server's log.
  std::string call_id;
  int tries = 0;
  // The write happened before; this is its first answer.
  bool replayed = false;
  // What the last try cost in the server: "queue=30,acquire=10,sql=4685,commit=9416,attempts=1",
  // in microseconds. Empty if no server answered.
  std::string receipt;
  // Of a write that asked for it: what AtLeast makes later reads see it by. Empty if not known.
  std::string token;
};

struct CallOptions {
  // For the whole call with all its tries. Not set: ConnectOptions::timeout, and without that the
  // method's own, which its proto states (5 s for most). A single try gets no more than that.
  std::optional<absl::Duration> timeout = std::nullopt;
  Retries retries = Retries::kAsConnected;
  // Names the call in the server's log (x-request-id); the server makes one if it is empty.
  std::string call_id;
  Urgency urgency = Urgency::kAsMethod;
  // Of a read; empty for strong.
  std::string consistency;
  // A write is to report its token.
  bool want_token = false;
  // Sent with every try. Keys have small letters; values are ASCII, unless the key ends in "-bin".
  Metadata metadata = {};
  // Filled in if not null, whether the call succeeds or fails; must outlive a stream.
  CallReport* report = nullptr;
};

}  // namespace aquifer::client
