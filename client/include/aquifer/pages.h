// The pages of a list as a range.
#pragma once

#include <absl/status/status.h>

#include <iterator>
#include <utility>

#include "aquifer/method.h"
#include "aquifer/read_once.h"

namespace aquifer::client {

// Of any method that lists page by page; read once, by one thread:
//
//   Pages pages(client.workers().ListWorkers, request);
//   for (const v1::ListWorkersResponse& page : pages) { ... }
//   if (!pages.status().ok()) { ... }
//
// `options` are each call's. `method` must outlive the range.
template <typename Request, typename Response>
class Pages {
 public:
  Pages(const Unary<Request, Response>& method, Request request, CallOptions options = {})
      : method_(method), request_(std::move(request)), options_(std::move(options)) {}

  // Reads the first page.
  auto begin() { return ReadOnceIterator<Pages, Response>(*this); }
  std::default_sentinel_t end() const { return {}; }

  // The next page, which lives until the one after it is asked for; null after the last, and where
  // a call failed.
  const Response* Next() {
    if (ended_) return nullptr;
    auto answer = method_(request_, options_);
    status_ = answer.status();
    ended_ = !answer.ok() || answer->next_page_token().empty();
    if (!answer.ok()) return nullptr;
    page_ = *std::move(answer);
    request_.set_page_token(page_.next_page_token());
    return &page_;
  }

  // Why there are no more pages: OK after the last. OK before the end, too.
  const absl::Status& status() const { return status_; }

 private:
  const Unary<Request, Response>& method_;
  Request request_;
  const CallOptions options_;
  Response page_;
  bool ended_ = false;
  absl::Status status_;
};

}  // namespace aquifer::client
