// How a repository answers a stream: page by page, each in a transaction of its own.
#pragma once

#include <string>

namespace aquifer {

// One page, and where the next begins.
template <typename Response>
struct StreamPage {
  Response response;
  // Opaque; given back for the next page. Empty after the last.
  std::string next_position;
};

}  // namespace aquifer
