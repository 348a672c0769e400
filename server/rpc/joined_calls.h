// Calls of one method that are answered together.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <optional>

#include "server/rpc/call.h"
#include "server/rpc/joiner.h"
#include "server/rpc/method.h"
#include "server/rpc/rpc_runner.h"

namespace aquifer {

// One of them.
class JoinableCall : public Joiner::Waiting {
 public:
  virtual Call& call() = 0;
  virtual const Message& request() const = 0;
  // Ends the call; the last thing done with it.
  virtual void FinishWith(Answer answer) = 0;

  // What it will be told; empty until it is known.
  std::optional<Answer> outcome;
  // It may be what a set waited for in vain.
  bool held_up = false;

  bool alone() const final { return held_up; }
};

// Runs sets of calls: one transaction for all. Where that fails for a reason that may be one call's
// own, each half is tried by itself, so that a bad call fails alone; and one that has to wait for a
// stranger's lock waits alone, in a flight of its own.
class JoinedCallsFlyer final : public Joiner::Flyer {
 public:
  // Both must outlive the flyer.
  JoinedCallsFlyer(RpcRunner& rpc, const Method& method) : rpc_(rpc), method_(method) {}

  // Of JoinableCalls.
  void Fly(absl::Span<Joiner::Waiting* const> set) override;
  bool Land(Joiner::Waiting& waiting) override;

 private:
  using Calls = absl::Span<JoinableCall* const>;

  // `conflict`: they are what is left of a set that met with one.
  void FlyTogether(Calls calls, bool conflict = false);
  absl::Status RunOnce(Calls calls, Receipt& receipt);

  RpcRunner& rpc_;
  const Method& method_;
};

}  // namespace aquifer
