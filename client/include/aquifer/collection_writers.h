// Two ways to store many lines; both gather them into messages and hold one at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "aquifer/call_options.h"
#include "aquifer/v1/collection.pb.h"

namespace aquifer::client {

class Caller;

// Stores lines by RecordCollections, up to 1,000 a call, and tells what became of each. Every call
// is tried again like any other, so the writer outlasts a restart of the server. Used by one
// thread:
//
//   auto writer = client.collections().WriteCollections([](const auto& line) { ... });
//   for (...) if (!writer.Add(line).ok()) break;
//   auto counts = writer.Finish();
class CollectionWriter {
 public:
  struct Outcome {
    // The line's place among those added, from 1.
    std::int64_t number;
    const v1::CollectionLine& line;
    const v1::RecordResult& result;
  };
  // Called in the order of the lines, by Add and Finish.
  using OnOutcome = std::function<void(const Outcome&)>;

  // `options` are each call's; `on_outcome` may be null.
  CollectionWriter(const Caller& caller, OnOutcome on_outcome, const CallOptions& options);
  ~CollectionWriter();
  CollectionWriter(CollectionWriter&&) noexcept;
  CollectionWriter& operator=(CollectionWriter&&) noexcept;

  // Takes the line, and stores those gathered when they fill a call. After an error every further
  // Add has the same one.
  absl::Status Add(v1::CollectionLine line);

  // Stores the rest: the outcomes of all lines, counted. Lines that were not finished with are
  // dropped by the destructor.
  absl::StatusOr<v1::RecordCounts> Finish();

  // How many lines have an outcome: after an error, where to begin again.
  std::int64_t acknowledged() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Stores lines by ImportCollections, one call for all: their counts and the first rejected ones
// come at the end. gRPC sends a broken stream again as long as it keeps all of it, which is up to
// 1 MiB; beyond that the caller may send it again. Used by one thread.
class CollectionImport {
 public:
  CollectionImport(const Caller& caller, const CallOptions& options);
  // Leaves an import that is not finished; what was stored stays stored.
  ~CollectionImport();
  CollectionImport(CollectionImport&&) noexcept;
  CollectionImport& operator=(CollectionImport&&) noexcept;

  // Takes the line, and sends those gathered when they fill a message. After an error every further
  // Add has the same one.
  absl::Status Add(v1::CollectionLine line);

  // Sends the rest and waits for the answer.
  absl::StatusOr<v1::ImportCollectionsResponse> Finish();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace aquifer::client
