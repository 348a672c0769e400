// How a repository answers a stream: page by page, each in a transaction of its own.
#pragma once

#include <functional>
#include <string>

namespace aquifer {

// One page as it was read, and where the next begins.
template <typename Response>
struct StreamPage {
  // Fills an empty message with the page. Called once, when the transaction is over, and perhaps by
  // another thread while the next page is read; throws what Row throws.
  std::function<void(Response&)> fill;
  // Opaque; given back for the next page. Empty after the last.
  std::string next_position;
};

}  // namespace aquifer
