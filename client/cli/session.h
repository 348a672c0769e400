// What every command has: the connection, the streams, the ways to answer and to fail.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/message.h>

#include <iosfwd>
#include <optional>
#include <string>

#include "aquifer/client.h"
#include "client/cli/credentials.h"

namespace aquifer::cli {

enum class Output { kTable, kJson };

struct GlobalOptions {
  // One, or several between commas.
  std::string address;
  // Without it the connection is plaintext, unless a file of `credentials` is one of TLS.
  bool tls = false;
  CredentialFiles credentials;
  // Of each call; not set, the API's own.
  std::optional<absl::Duration> timeout;
  // Of each read, as the client library has it; empty for strong.
  std::string consistency;
  // Tells the token of each write.
  bool show_token = false;
  Output output = Output::kTable;
  // Answers every question with yes.
  bool yes = false;
};

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  // Whether somebody sits there, to be asked and to see things move.
  bool in_is_terminal = false;
  bool err_is_terminal = false;
};

// Used by one thread.
class Session {
 public:
  Session(const Streams& streams, const GlobalOptions& options)
      : streams_(streams), options_(options) {}

  const GlobalOptions& options() const { return options_; }
  std::ostream& out() const { return streams_.out; }
  std::ostream& err() const { return streams_.err; }
  const Streams& streams() const { return streams_; }

  // The client, connected at the first time. UNAVAILABLE at once if nobody is there.
  absl::StatusOr<const client::Client*> Reach();
  // The same without looking whether anybody is there; for Admin and Health, which also reach an
  // instance that is not healthy.
  absl::StatusOr<const client::Client*> Connect();

  // Calls the method that takes `request`.
  absl::Status Call(const google::protobuf::Message& request, google::protobuf::Message& response);
  absl::Status CallOver(const client::Client& client, const google::protobuf::Message& request,
                        google::protobuf::Message& response);
  client::CallOptions CallOptions() const;

  // OK if the question is answered with yes, on the terminal or by --yes. Else nothing may be done.
  absl::Status Confirm(const std::string& question);

  // One line of JSON for scripts, several for people who look.
  enum class Layout { kLine, kLines };
  absl::Status PrintJson(const google::protobuf::Message& message, Layout layout);

  // Tells what went wrong and what to do about it, and answers the exit code.
  int Fail(const absl::Status& status);

 private:
  const Streams streams_;
  const GlobalOptions& options_;
  std::optional<client::Client> client_;
  bool is_reached_ = false;
  bool over_tls_ = false;
};

}  // namespace aquifer::cli
