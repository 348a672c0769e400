#include "server/rpc/joined_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "repositories/errors.h"

namespace aquifer {
namespace {

// Whether every call of the set would have met with this error: the database's state, not the
// call's content.
bool IsEverybodys(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      return ReasonOf(status) == EntryOf(Reason::kCommitInDoubt).name;
  }
}

// How long a set waits for what somebody else holds, before who may have to wait goes alone.
constexpr absl::Duration kLockPatience = absl::Milliseconds(200);

absl::Time LatestDeadline(absl::Span<JoinableCall* const> calls) {
  absl::Time latest = absl::InfinitePast();
  for (JoinableCall* call : calls) latest = std::max(latest, call->call().deadline());
  return latest;
}

}  // namespace

void JoinedCallsFlyer::Fly(absl::Span<Joiner::Waiting* const> set) {
  std::vector<JoinableCall*> wanted;
  wanted.reserve(set.size());
  for (Joiner::Waiting* waiting : set) {
    auto& call = static_cast<JoinableCall&>(*waiting);
    if (absl::Status status = call.call().CheckStillWanted(); !status.ok()) {
      call.outcome = std::move(status);
    } else {
      wanted.push_back(&call);
    }
  }
  FlyTogether(wanted);
}

bool JoinedCallsFlyer::Land(Joiner::Waiting& waiting) {
  auto& call = static_cast<JoinableCall&>(waiting);
  if (!call.outcome) return false;
  call.FinishWith(*std::exchange(call.outcome, std::nullopt));
  return true;
}

void JoinedCallsFlyer::FlyTogether(Calls calls, bool conflict) {
  if (calls.empty()) return;
  if (calls.size() == 1) {
    JoinableCall& call = *calls[0];
    if (conflict) {
      call.held_up = true;
    } else {
      call.outcome = call.call().AnswerTo(call.request());
    }
    return;
  }
  Receipt receipt;
  receipt.joined = static_cast<int>(calls.size());
  const absl::Status status = RunOnce(calls, receipt);
  if (status.ok()) {
    receipt.rows = 1;
    for (JoinableCall* call : calls) call->call().AddReceipt(receipt);
    return;
  }
  if (IsEverybodys(status)) {
    for (JoinableCall* call : calls) call->outcome = status;
    return;
  }
  conflict = ReasonOf(status) == EntryOf(Reason::kTransactionConflict).name;
  FlyTogether(calls.first(calls.size() / 2), conflict);
  FlyTogether(calls.subspan(calls.size() / 2), conflict);
}

absl::Status JoinedCallsFlyer::RunOnce(Calls calls, Receipt& receipt) {
  std::vector<const Message*> requests;
  requests.reserve(calls.size());
  for (JoinableCall* call : calls) requests.push_back(&call->request());
  std::vector<std::optional<Answer>> answers(calls.size());
  absl::Status status = rpc_.transactions_.Run(
      {.method = method_.name,
       .mode = ModeOf(method_),
       .repeat = Repeat::kSafe,
       .deadline = LatestDeadline(calls),
       .lock_timeout = kLockPatience},
      [&](Session& session) {
        method_.handler.join(session, requests, absl::MakeSpan(answers));
        return absl::OkStatus();
      },
      receipt);
  if (!status.ok()) return status;
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i]->outcome = std::move(answers[i]);
  return status;
}

}  // namespace aquifer
