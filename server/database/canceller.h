// Ends the statements of callers that left.
//
// A cancel request names a backend, not a statement, and takes effect when it arrives. So it is
// sent only while the statements of the very call that asked are running, and when they have ended
// the scope tells how many were sent: the connection is clean only if that was one and a statement
// ended by it. Otherwise it must not be used again, or a late request could hit another call.
//
// A request that arrives between two statements is lost, so it is sent again until they end.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>
#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace aquifer {

class CancelScope;

// Whether the caller of one call has left. Thread-safe; must outlive the call's scopes.
class Cancellation {
 public:
  // The caller left. Never blocks: what runs is cancelled by the canceller's thread.
  void Cancel();
  bool cancelled() const;

 private:
  friend class CancelScope;

  mutable absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  // Where the call's statements run, while they do.
  CancelScope* running_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

struct CancellerOptions {
  // The least time between two requests. Each makes the database start a process, so a crowd that
  // leaves at once must not become a burden of its own.
  absl::Duration pause = absl::Milliseconds(2);
  // How long a request has to show before it is sent again.
  absl::Duration again = absl::Milliseconds(50);
  // How long a scope waits for a request that is being sent.
  absl::Duration patience = absl::Seconds(1);
};

struct CancellerFigures {
  std::int64_t sent = 0;
  std::int64_t failed = 0;
  // Under way now: none or one.
  int sending = 0;
};

// Sends cancel requests, one after another, on a thread of its own. At most one waits for each
// scope, so there are never more than connections. Thread-safe; must outlive the scopes.
class Canceller {
 public:
  explicit Canceller(const CancellerOptions& options = {});
  // Waits `patience` for a request that is being sent; one that hangs longer is left to itself.
  ~Canceller();
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;

  CancellerFigures Figures() const;

 private:
  friend class Cancellation;
  friend class CancelScope;

  struct Wish {
    CancelScope* scope;
    absl::Time due;
  };
  // What the thread works on. Shared with it, because libpq sends a cancel request without a
  // time limit, and a thread that hangs in one is left behind.
  struct State {
    explicit State(const CancellerOptions& chosen) : options(chosen) {}

    const CancellerOptions options;
    mutable absl::Mutex mutex;
    // Unordered: as many as callers that left just now.
    std::vector<Wish> wishes ABSL_GUARDED_BY(mutex);
    bool asked ABSL_GUARDED_BY(mutex) = false;
    // Whose request is under way; nobody's any more if the scope lost patience.
    CancelScope* sending ABSL_GUARDED_BY(mutex) = nullptr;
    bool stopping ABSL_GUARDED_BY(mutex) = false;
    bool stopped ABSL_GUARDED_BY(mutex) = false;
    CancellerFigures figures ABSL_GUARDED_BY(mutex);
  };

  static void SendRequests(State& state);
  // Waits for a wish that is due and takes it; null once the canceller stops.
  static CancelScope* TakeDue(State& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state.mutex);
  void Ask(CancelScope& scope);
  // No request is begun for `scope` after this, and none is under way, or `hangs`.
  void Withdraw(CancelScope& scope);

  const std::shared_ptr<State> state_;
};

// From its making until End, `cancellation` reaches the statements on one connection. Used by the
// thread that runs them.
class CancelScope {
 public:
  // `target` is shared with a request under way. `cancellation` may be null: then nothing cancels.
  CancelScope(Canceller& canceller, std::shared_ptr<PGcancel> target, Cancellation* cancellation);
  ~CancelScope() { End(); }
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  // The statements have ended: no request is sent from here on. Only the first call does anything.
  void End();

  // After End: whether a request may still reach the backend, where `ended_by_cancel` says whether
  // a statement ended by one.
  bool Unclean(bool ended_by_cancel) const { return hangs_ || sent_ > (ended_by_cancel ? 1 : 0); }

 private:
  friend class Cancellation;
  friend class Canceller;

  Canceller& canceller_;
  const std::shared_ptr<PGcancel> target_;
  Cancellation* const cancellation_;
  bool ended_ = false;
  // Guarded by the canceller's mutex until End.
  int sent_ = 0;
  bool hangs_ = false;
};

}  // namespace aquifer
