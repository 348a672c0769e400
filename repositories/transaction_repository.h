// TransactionService in SQL: the writes of one request, in order, in the transaction that is open.
//
// Requests are checked here, all of them before the first runs, since what a write refers to is not
// known earlier. The implementation is split by idea:
//   transaction_repository.cc  the table of writes, and running them
//   transaction_checks.cc      what may be run
//   write_references.cc        ids that one write takes from another
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>
#include <google/protobuf/message.h>

#include <functional>

#include "aquifer/v1/transaction.pb.h"
#include "repositories/session.h"

namespace aquifer {

class TransactionRepository final {
 public:
  explicit TransactionRepository(Session& session) : session_(session) {}

  // An error of a write says which it was.
  absl::StatusOr<v1::ExecuteResponse> Execute(const v1::ExecuteRequest& request);

 private:
  Session& session_;
};

// What one kind of write is.
struct WriteKind {
  const google::protobuf::Descriptor& request;
  const google::protobuf::Descriptor& response;
  // Where the answer has the id it made, such as "collection.id"; empty if it makes none.
  absl::string_view made;
  // Runs the repository's method.
  std::function<absl::Status(Session&, const google::protobuf::Message& request,
                             google::protobuf::Message& response)>
      run;
};

// Every kind, a line each.
absl::Span<const WriteKind> WriteKinds();
// The kind of the writes whose request is a `request`; every member of v1::Write has one.
const WriteKind& KindOf(const google::protobuf::Descriptor& request);

}  // namespace aquifer
