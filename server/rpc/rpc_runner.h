// THE path of an RPC: admit, validate, execute on a worker, transaction, commit, answer, one log
// line. Every service and every kind of call goes through it; nothing goes around it.
#pragma once

#include <atomic>
#include <memory>

#include "server/database/transaction_runner.h"
#include "server/rpc/executor.h"
#include "server/rpc/joiner.h"
#include "server/rpc/method.h"
#include "server/rpc/repeat_counts.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"

namespace aquifer {

struct RpcLimits {
  // The largest message of a caller.
  int max_message_bytes = 4 * 1024 * 1024;
  // Streams open at once. Each may hold a page or a message for a caller that is slow.
  int max_streams = 200;
  // How long a stream waits for its caller to send the next message or to take one.
  absl::Duration stream_patience = absl::Minutes(5);
  // How long a call waits for a thread at most, however long its caller would.
  absl::Duration queue_patience = absl::Seconds(15);
};

// What calls need, borrowed: it must outlive the runner and every call.
struct RpcParts {
  TransactionRunner& transactions;
  // Runs what needs the database.
  Executor& workers;
  // Runs what must work without it.
  Executor& reserve;
  Log& log;
  Metrics& metrics;
};

// Thread-safe.
class RpcRunner {
 public:
  RpcRunner(const RpcParts& parts, const RpcLimits& limits)
      : transactions_(parts.transactions),
        workers_(parts.workers),
        reserve_(parts.reserve),
        log_(parts.log),
        metrics_(parts.metrics),
        limits_(limits) {}

  // From now on a new call gets SHUTTING_DOWN; those admitted go on to their end.
  void RefuseCalls() { refusing_ = true; }

  // What became of the writes with a request_id so far.
  RepeatFigures Repeats() const { return repeats_.Figures(); }

  // Where the calls of `method` wait for each other; `flyer` must outlive it.
  std::unique_ptr<Joiner> MakeJoiner(const Method& method, Joiner::Flyer& flyer);

 private:
  friend class Call;
  friend class JoinedCallsFlyer;

  TransactionRunner& transactions_;
  Executor& workers_;
  Executor& reserve_;
  Log& log_;
  Metrics& metrics_;
  const RpcLimits limits_;
  RepeatCounts repeats_;
  std::atomic<int> open_streams_ = 0;
  std::atomic<bool> refusing_ = false;
};

}  // namespace aquifer
