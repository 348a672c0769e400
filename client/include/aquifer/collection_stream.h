// The lines of StreamCollections as a range.
#pragma once

#include <absl/status/status.h>

#include <iterator>
#include <memory>

#include "aquifer/call_options.h"
#include "aquifer/read_once.h"
#include "aquifer/v1/collection.pb.h"

namespace aquifer::client {

class Caller;

// Read once, by one thread:
//
//   auto lines = client.collections().StreamCollections(request);
//   for (const v1::Collection& line : lines) { ... }
//   if (!lines.status().ok()) { ... }
//
// Holds one message of the server at a time. A stream that breaks goes on behind the last line it
// gave, so that each line comes once; without a timeout it goes on trying for 30 s, the method's
// deadline. Destroying it early ends the call.
class CollectionStream {
 public:
  CollectionStream(const Caller& caller, const v1::StreamCollectionsRequest& request,
                   const CallOptions& options);
  ~CollectionStream();
  CollectionStream(CollectionStream&&) noexcept;
  CollectionStream& operator=(CollectionStream&&) noexcept;

  // Reads the first line.
  auto begin() { return ReadOnceIterator<CollectionStream, v1::Collection>(*this); }
  std::default_sentinel_t end() const { return {}; }

  // The next line, which lives until the one after it is asked for; null after the last, and where
  // the stream broke.
  const v1::Collection* Next();

  // Why there are no more lines: OK after the last. OK before the end, too.
  const absl::Status& status() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace aquifer::client
