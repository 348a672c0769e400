// A gRPC server on one address, and on a Unix socket if asked to, with the limits every one of ours
// has.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

#include "server/rpc/call_queue.h"
#include "server/socket_file.h"

namespace aquifer {

struct GrpcListenerOptions {
  std::string address;
  // 0 picks one.
  int port = 0;
  // The path of a Unix socket to listen on as well, empty for none, and its file's permissions.
  std::string socket;
  int socket_mode = 0660;
  // The largest message that is taken.
  int max_message_bytes = 4 * 1024 * 1024;
  // What gRPC may take for messages; beyond it callers have to wait. 0 for no bound.
  int memory_bytes = 0;
  // Threads that poll for calls.
  int polling_threads = 1;
};

class GrpcListener {
 public:
  // Listens and serves at once; the services must outlive the listener. UNAVAILABLE if the address
  // cannot be had, FAILED_PRECONDITION if the socket's path cannot.
  static absl::StatusOr<std::unique_ptr<GrpcListener>> Start(
      const GrpcListenerOptions& options, const std::vector<QueuedService*>& services);

  // Cancels what still runs. Every call must have been answered, or be answered meanwhile.
  ~GrpcListener();

  // "127.0.0.1:50051"
  std::string address() const;
  // "unix:/run/aquifer/socket"; empty without one.
  std::string socket_address() const;

  // Accepts no more calls, waits for those under way, and cancels what runs at `deadline`.
  void Shutdown(absl::Time deadline);
  // After Shutdown, when every call was answered: nothing answers from here on.
  void Close();

 private:
  GrpcListener() = default;

  std::string host_;
  int port_ = 0;
  // Before the server, which removes the file when it stops to listen: until then it is ours.
  std::unique_ptr<SocketFile> socket_;
  std::unique_ptr<grpc::Server> server_;
  // After the server, which must not outlive its queues.
  std::unique_ptr<CallQueue> calls_;
};

}  // namespace aquifer
