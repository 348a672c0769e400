// The one path of every call: deadline, request_id, tries, trace, report.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <google/protobuf/message.h>
#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <utility>

#include "aquifer/call_options.h"
#include "aquifer/connect_options.h"
#include "client/methods.h"
#include "client/retry_schedule.h"

namespace aquifer::client {

// Thread-safe.
class Caller {
 public:
  Caller(std::shared_ptr<grpc::Channel> channel, ConnectOptions options)
      : channel_(std::move(channel)), options_(std::move(options)) {}

  // A method of one request and one answer.
  absl::Status Call(const CalledMethod& method, const google::protobuf::Message& request,
                    google::protobuf::Message& response, const CallOptions& options) const;

  // When a call that begins now must have ended.
  absl::Time DeadlineOf(const CalledMethod& method, const CallOptions& options) const;

  // What the options of connection and call together say of retries.
  RetryOptions RetriesOf(const CallOptions& options) const;

  // Waits before the next try.
  void WaitFor(const RetryPause& pause) const;

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const ConnectOptions& options() const { return options_; }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const ConnectOptions options_;
};

}  // namespace aquifer::client
