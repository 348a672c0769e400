// The calls the harness makes: how a request is made, and what its answer must say to count.
#pragma once

#include <absl/random/bit_gen_ref.h>
#include <absl/random/random.h>
#include <absl/types/span.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/load/caller/history.h"

namespace aquifer::load {

// What the answer to a request must say.
struct Expected {
  std::string device_id;
  std::int64_t second = 0;
  std::int64_t banknotes_minor = 0;
  std::int64_t lines = 0;
  std::int64_t chat_id = 0;
};

// One kind of call.
struct Operation {
  const char* method;
  grpc::ByteBuffer (*make)(const History& history, absl::BitGenRef random, Expected& expected);
  // Empty if the answer is right, else what is wrong with it.
  std::string (*check)(grpc::ByteBuffer& answer, const Expected& expected);
};

// Kinds of calls and how many of a hundred are of each.
struct Workload {
  struct Part {
    const Operation* operation;
    int percent;
  };
  std::vector<Part> parts;

  const Operation& Pick(absl::BitGenRef random) const;
};

// By name: reads, saves, mixed, hot, ranges, summary, history, deliveries, outcomes; none for any
// other.
std::optional<Workload> WorkloadNamed(const std::string& name);

}  // namespace aquifer::load
