// Lines gathered until they fill a message.
#pragma once

#include <cstddef>
#include <utility>

#include "aquifer/v1/collection.pb.h"

namespace aquifer::client {

// `Request` has `repeated CollectionLine lines`, of which the API takes 1,000.
template <typename Request>
class LineBatch {
 public:
  void Add(v1::CollectionLine&& line) {
    bytes_ += line.ByteSizeLong();
    *request_.add_lines() = std::move(line);
  }

  bool empty() const { return request_.lines().empty(); }
  bool full() const { return request_.lines_size() == kMostLines || bytes_ >= kEnoughBytes; }
  const Request& request() const { return request_; }

  void Clear() {
    request_.clear_lines();
    bytes_ = 0;
  }

 private:
  static constexpr int kMostLines = 1000;
  // Far below what a server takes in one message, 4 MiB by default.
  static constexpr std::size_t kEnoughBytes = std::size_t{512} * 1024;

  Request request_;
  std::size_t bytes_ = 0;
};

}  // namespace aquifer::client
