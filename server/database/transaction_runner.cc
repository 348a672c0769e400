#include "server/database/transaction_runner.h"

#include <absl/random/random.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "repositories/errors.h"
#include "server/database/commit_outcome.h"
#include "server/database/primary_wait.h"
#include "server/database/replicas.h"
#include "server/database/transaction_attempt.h"

namespace aquifer {
namespace {

using Body = absl::FunctionRef<absl::Status(Session&)>;
using Kind = AttemptOutcome::Kind;

// Connections found dead in a row before the call gives up: more than any pool keeps idle.
constexpr int kMostDeadConnections = 256;

bool Is(const absl::Status& status, Reason reason) {
  return ReasonOf(status) == EntryOf(reason).name;
}

absl::Status InDoubt() {
  return MakeError(Reason::kCommitInDoubt, "it is not known whether the transaction committed",
                   {{"outcome", std::string(NameOf(CommitOutcome::kUnknown))}});
}

// Forgets what is prepared on the connection, or the connection itself if that fails.
void DropPlans(ConnectionPool::Lease& lease) {
  try {
    lease->prepared().Reset();
  } catch (const std::exception&) {
    lease.Discard(CloseReason::kBroken);
  }
}

// Full jitter: anything from nothing to a bound that doubles.
absl::Duration RetryPause(absl::Duration first, int collisions) {
  thread_local absl::InsecureBitGen random;
  return first * (1 << std::min(collisions - 1, 10)) * absl::Uniform(random, 0.0, 1.0);
}

// One call's attempts: how each ended leads to another, or to the answer.
class Attempts {
 public:
  Attempts(ConnectionPool& pool, const TransactionRunnerOptions& options,
           const TransactionCall& call, Body body, Receipt& receipt)
      : pool_(pool),
        options_(options),
        call_(call),
        body_(body),
        receipt_(receipt),
        primary_(pool, call) {}

  // Until one of them gives the answer.
  absl::Status Run() {
    if (!call_.consistency.strong() && options_.replicas != nullptr && IsRead(call_.mode)) {
      if (auto answer = ReadFromReplica(*options_.replicas)) return *std::move(answer);
    }
    while (absl::Now() < call_.deadline) {
      absl::StatusOr<ConnectionPool::Lease> lease = Acquire();
      if (!lease.ok()) {
        const bool away = Is(lease.status(), Reason::kDatabaseUnavailable);
        if (!away || !pool_.fails_over() || !primary_.Again()) return lease.status();
        continue;
      }
      AttemptOutcome outcome =
          Attempt(pool_, **lease, call_, options_.metrics, receipt_).Run(body_);
      if (outcome.discard) lease->Discard(*outcome.discard);
      const auto cause = After(outcome, *lease);
      if (!cause) return outcome.status;
      if (options_.metrics != nullptr) options_.metrics->TransactionRetried(*cause);
    }
    return DeadlinePassed("before the transaction began");
  }

 private:
  absl::StatusOr<ConnectionPool::Lease> Acquire() {
    Stopwatch watch(receipt_.acquire);
    return pool_.Acquire(call_.deadline, call_.method);
  }

  // What a replica answers; nothing if the primary is to be asked.
  std::optional<absl::Status> ReadFromReplica(Replicas& replicas) {
    std::optional<Replicas::Loan> loan;
    {
      Stopwatch watch(receipt_.acquire);
      loan = replicas.Borrow(call_.consistency, call_.deadline, call_.method);
    }
    if (!loan) return std::nullopt;
    AttemptOutcome outcome =
        Attempt(*loan->pool, *loan->lease, call_, options_.metrics, receipt_).Run(body_);
    if (outcome.discard) loan->lease.Discard(*outcome.discard);
    // Each connection learns its plans anew, and may be to a host that is gone.
    if (outcome.kind != Kind::kFinished && outcome.kind != Kind::kCollision) {
      loan->lease.Discard(CloseReason::kBroken);
    }
    const bool served = outcome.kind == Kind::kFinished && !outcome.failed;
    replicas.Count(served ? ReplicaRead::kServed : ReplicaRead::kFailed);
    if (!served) return std::nullopt;
    receipt_.from_replica = true;
    return std::move(outcome.status);
  }

  // Why there is to be another attempt; nothing if `outcome.status` is the answer.
  std::optional<RetryCause> After(AttemptOutcome& outcome, ConnectionPool::Lease& lease) {
    switch (outcome.kind) {
      case Kind::kFinished:
        return std::nullopt;
      case Kind::kDead:
        lease.Discard(CloseReason::kBroken);
        return When(++dead_ <= kMostDeadConnections, RetryCause::kDeadConnection);
      case Kind::kBroken:
        lease.Discard(CloseReason::kBroken);
        return AfterBroken();
      case Kind::kInDoubt:
        lease.Discard(CloseReason::kBroken);
        return AfterLostCommit(outcome);
      case Kind::kCutOff:
        lease.Discard(CloseReason::kBroken);
        return AfterCutOff(outcome);
      case Kind::kNoPrimary:
        // The others are connected to the same.
        pool_.Outdate();
        return When(primary_.Again(), RetryCause::kNoPrimary);
      case Kind::kStalePlans:
        if (std::exchange(planned_again_, true)) return std::nullopt;
        if (lease) DropPlans(lease);
        return RetryCause::kStalePlan;
      case Kind::kCollision:
        break;
    }
    // The connection serves others meanwhile.
    lease.Return();
    return When(PauseAfterCollision(), RetryCause::kCollision);
  }

  static std::optional<RetryCause> When(bool again, RetryCause cause) {
    return again ? std::optional(cause) : std::nullopt;
  }

  std::optional<RetryCause> AfterBroken() {
    if (pool_.fails_over() && primary_.Again()) return RetryCause::kNoPrimary;
    // A write is left to the caller, which knows whether it still wants it.
    const bool again = IsRead(call_.mode) && !std::exchange(read_again_, true);
    return When(again, RetryCause::kBrokenRead);
  }

  std::optional<RetryCause> AfterLostCommit(AttemptOutcome& outcome) {
    Stopwatch watch(receipt_.commit);
    switch (Resolve(outcome.mark)) {
      case CommitOutcome::kCommitted:
        outcome.status = absl::OkStatus();
        return std::nullopt;
      case CommitOutcome::kNotCommitted:
        outcome.status = NothingWritten();
        return When(++lost_ < options_.max_attempts, RetryCause::kLostCommit);
      case CommitOutcome::kUnknown:
        break;
    }
    outcome.status = RunsOnceMore() ? absl::OkStatus() : InDoubt();
    return std::nullopt;
  }

  // Whether a body that can find what it wrote did so. Nothing that goes wrong in it may be told as
  // "not committed".
  bool RunsOnceMore() {
    return call_.repeat == Repeat::kSafe && absl::Now() < call_.deadline &&
           Attempts(pool_, options_, call_, body_, receipt_).Run().ok();
  }

  // Until the backend is gone its statement could still commit, after something newer.
  std::optional<RetryCause> AfterCutOff(AttemptOutcome& outcome) {
    Stopwatch watch(receipt_.commit);
    outcome.status = InDoubt();
    const bool again = EndBackend(outcome.backend) && ++lost_ < options_.max_attempts;
    return When(again, RetryCause::kLostCommit);
  }

  // False if there are to be no more attempts, or no time for one.
  bool PauseAfterCollision() {
    if (++collisions_ >= options_.max_attempts) return false;
    const absl::Duration pause = RetryPause(options_.retry_pause, collisions_);
    if (absl::Now() + pause >= call_.deadline) return false;
    absl::SleepFor(pause);
    return true;
  }

  // What became of the commit of a connection that broke.
  CommitOutcome Resolve(const TransactionMark& mark) {
    const absl::Time began = absl::Now();
    const CommitOutcome outcome =
        ResolveCommit(mark, call_.deadline, [this](Body look) { return Look(look); });
    Report("commit_resolved", "outcome", NameOf(outcome), began);
    return outcome;
  }

  // Whether the backend of a connection that broke is gone, or was sent away, before the deadline.
  bool EndBackend(const BackendMark& backend) {
    const absl::Time began = absl::Now();
    const bool gone =
        AwaitBackendsEnd(backend, call_.deadline, [this](Body look) { return Look(look); });
    Report("statement_cut_off", "backend_gone", gone, began);
    return gone;
  }

  template <typename Value>
  void Report(absl::string_view event, absl::string_view key, const Value& value,
              absl::Time began) {
    pool_.log().Write(LogLine(LogLevel::kWarning, event)
                          .Add("method", call_.method)
                          .Add("request_id", call_.request_id)
                          .Add(key, value)
                          .Add("after_ms", absl::ToInt64Milliseconds(absl::Now() - began)));
  }

  // Asks the database about another connection's fate.
  absl::Status Look(Body look) {
    const TransactionCall call = {
        .method = call_.method, .request_id = call_.request_id, .deadline = call_.deadline};
    Receipt unused;
    return Attempts(pool_, options_, call, look, unused).Run();
  }

  ConnectionPool& pool_;
  const TransactionRunnerOptions& options_;
  const TransactionCall& call_;
  const Body body_;
  Receipt& receipt_;
  PrimaryWait primary_;
  int dead_ = 0;
  int collisions_ = 0;
  int lost_ = 0;
  bool read_again_ = false;
  bool planned_again_ = false;
};

// Counts how a transaction ended.
void CountEnd(Metrics& metrics, const absl::Status& status) {
  if (status.ok()) {
    metrics.TransactionCommitted();
  } else if (Is(status, Reason::kCommitInDoubt)) {
    metrics.TransactionInDoubt();
  } else {
    metrics.TransactionRolledBack();
  }
}

}  // namespace

TransactionRunner::TransactionRunner(ConnectionPool& pool, TransactionRunnerOptions options)
    : pool_(pool), options_(options) {}

absl::Status TransactionRunner::Run(const TransactionCall& call,
                                    absl::FunctionRef<absl::Status(Session&)> body,
                                    Receipt& receipt) {
  const int begun_before = receipt.attempts;
  absl::Status status = Attempts(pool_, options_, call, body, receipt).Run();
  // A call that got no connection had no transaction to end.
  const bool begun = receipt.attempts > begun_before;
  if (begun && options_.metrics != nullptr) CountEnd(*options_.metrics, status);
  return status;
}

}  // namespace aquifer
