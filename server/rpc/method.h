// One RPC as the server knows it: its descriptor, the policy its proto states, and what it runs.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aquifer/v1/options.pb.h"
#include "repositories/session.h"

namespace aquifer {

using google::protobuf::Message;

using Answer = absl::StatusOr<std::unique_ptr<Message>>;

// As repositories/stream_page.h has it.
struct PageAnswer {
  std::function<void(Message&)> fill;
  // Empty after the last page.
  std::string next_position;
};

// What a method runs, with its types erased. One kind is set; `join` stands beside `transact`.
struct Handler {
  // A transaction that answers.
  std::function<Answer(Session&, const Message& request)> transact = nullptr;
  // Answers several calls in one transaction, as repositories/joined.h has it.
  std::function<void(Session&, absl::Span<const Message* const> requests,
                     absl::Span<std::optional<Answer>> answers)>
      join = nullptr;
  // Answers from memory; never blocks.
  std::function<Answer(const Message& request)> local = nullptr;
  // A transaction that answers a page of a server stream.
  std::function<absl::StatusOr<PageAnswer>(Session&, const Message& request,
                                           const std::string& position)>
      page = nullptr;
  // For a client stream, `transact` stores a part and this adds its answer to the whole.
  std::function<void(const Message& part, Message& whole)> append = nullptr;
};

struct Method {
  Method(const google::protobuf::MethodDescriptor& descriptor, const Message& request,
         const Message& response, Handler handler);

  const google::protobuf::MethodDescriptor& descriptor;
  const v1::MethodPolicy& policy;
  // "/aquifer.v1.CollectionRepository/GetCollection"
  const std::string path;
  // "CollectionRepository.GetCollection", for logs and messages.
  const std::string name;
  // Prototypes to make messages from.
  const Message& request;
  const Message& response;
  const Handler handler;
  // The fields `request_id` and `dry_run` of its request; null where it has none.
  const google::protobuf::FieldDescriptor* const request_id;
  const google::protobuf::FieldDescriptor* const dry_run;
};

// OK if the method states its whole policy and its request has a request_id exactly where a repeat
// is safe by nothing else, and can be joined or do without BEGIN where its policy says so; else an
// error naming the method, and the server must not start.
absl::Status CheckPolicy(const Method& method);

}  // namespace aquifer
