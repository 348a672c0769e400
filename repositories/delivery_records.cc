// Recording which chats a run has reached, for one caller and for several at once: one row a run
// and chat, whose key decides every race.
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "repositories/array.h"
#include "repositories/delivery_state.h"
#include "repositories/errors.h"
#include "repositories/job_repository.h"
#include "repositories/job_run_row.h"
#include "repositories/joined.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

using DeliveryCall = Joined<v1::RecordDeliveryRequest, v1::RecordDeliveryResponse>;

// Deliveries of different runs and chats, and a row for each whose run there is: its place among
// those given, counted from 1, the run and its attempt, what the lease has against it, and the
// record if it changed. An updated row carries the lock that ON CONFLICT took in xmax.
//
// The lock on a run makes a take-over wait, so that whoever took over sees every claim of the lease
// before. Runs come before deliveries and each in the order of their keys, so that sets cannot
// deadlock.
constexpr Statement kRecord = {"deliveries.record", R"sql(
WITH given AS MATERIALIZED (
  SELECT
    argument.job COLLATE "C" AS job, argument.key COLLATE "C" AS key, argument.lease_token,
    argument.chat_id, argument.state, argument.error, argument.resend_in_doubt, argument.place
  FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::integer[]
  ) WITH ORDINALITY AS argument (
    job, key, lease_token, chat_id, state, error, resend_in_doubt, place)
), run AS MATERIALIZED (
  SELECT run.id, run.job, run.key, run.attempt, run.state, run.lease_token
  FROM aquifer.job_runs AS run
  WHERE (run.job, run.key) IN (SELECT given.job, given.key FROM given)
  ORDER BY run.job, run.key
  FOR SHARE
), asked AS MATERIALIZED (
  SELECT
    given.place, given.chat_id, given.state, given.error, given.resend_in_doubt,
    run.id AS run_id, run.attempt,
    CASE
      WHEN given.state = 'sent' THEN ''
      WHEN run.lease_token <> given.lease_token THEN 'lease lost'
      WHEN given.state = 'claimed' AND run.state <> 'running' THEN 'run finished'
      ELSE ''
    END AS refusal
  FROM given
  JOIN run
    ON run.job = given.job AND run.key = given.key
), recorded AS (
  INSERT INTO aquifer.deliveries AS delivery (run_id, chat_id, state, attempt, error)
  SELECT asked.run_id, asked.chat_id, asked.state, asked.attempt, asked.error
  FROM asked
  WHERE asked.refusal = ''
  ORDER BY asked.run_id, asked.chat_id
  ON CONFLICT (run_id, chat_id) DO UPDATE
  SET state = excluded.state,
      attempt = excluded.attempt,
      error = excluded.error,
      recorded_at = now()
  WHERE CASE delivery.state
    WHEN 'sent' THEN false
    WHEN 'failed' THEN (excluded.state, excluded.error) <> (delivery.state, delivery.error)
    ELSE excluded.state <> 'claimed'
      OR delivery.attempt < excluded.attempt
        AND (excluded.run_id, excluded.chat_id) IN (
          SELECT asked.run_id, asked.chat_id FROM asked WHERE asked.resend_in_doubt <> 0)
  END
  RETURNING delivery.run_id, delivery.chat_id, delivery.state, delivery.attempt,
    delivery.recorded_at, delivery.xmax = 0 AS created
)
SELECT
  asked.place, asked.run_id, asked.attempt, asked.refusal,
  recorded.state, recorded.attempt, recorded.recorded_at, recorded.created
FROM asked
LEFT JOIN recorded
  ON recorded.run_id = asked.run_id AND recorded.chat_id = asked.chat_id
)sql"};

// Records that kRecord left as they were, and so holds locked: a statement of its own, to see what
// they are by now. $1 the runs, $2 the chats; beside each record its place among them.
constexpr Statement kRead = {"deliveries.read", R"sql(
SELECT given.place, delivery.state, delivery.attempt, delivery.recorded_at
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS given (run_id, chat_id, place)
JOIN aquifer.deliveries AS delivery
  ON delivery.run_id = given.run_id AND delivery.chat_id = given.chat_id
)sql"};

// Gives each call its answer. Of calls about one chat of a run the first is recorded, and its
// repeats with it; what says something else is left for the next set.
class DeliveryRecorder {
 public:
  DeliveryRecorder(Session& session, absl::Span<DeliveryCall> calls)
      : session_(session), calls_(calls) {}

  void Run() {
    for (DeliveryCall& call : calls_) Take(call);
    if (!recorded_.empty()) Record();
    if (!unchanged_.empty()) ReadUnchanged();
    for (const auto& [call, first] : repeats_) AnswerRepeat(*call, *first);
  }

 private:
  // Job, key and chat.
  using Key = std::tuple<std::string, std::string, std::int64_t>;

  // A call whose record is as it was.
  struct Unchanged {
    DeliveryCall* call;
    std::int64_t run_id;
    std::int64_t run_attempt;
  };

  void Take(DeliveryCall& call) {
    const v1::RecordDeliveryRequest& request = *call.request;
    if (!request.error().empty() && request.state() != v1::DELIVERY_STATE_FAILED) {
      call.answer = InvalidFields({{"error", "must be empty where the state is not FAILED"}});
      return;
    }
    const auto [first, is_first] =
        firsts_.try_emplace(Key(request.job(), request.key(), request.chat_id()), &call);
    if (is_first) {
      recorded_.push_back(&call);
    } else if (SayTheSame(request, *first->second->request)) {
      repeats_.emplace_back(&call, first->second);
    }
  }

  static bool SayTheSame(const v1::RecordDeliveryRequest& a, const v1::RecordDeliveryRequest& b) {
    return a.lease_token() == b.lease_token() && a.state() == b.state() && a.error() == b.error() &&
           a.resend_in_doubt() == b.resend_in_doubt();
  }

  void Record() {
    ArrayParameter jobs, keys, lease_tokens, chat_ids, states, errors, resends;
    for (const DeliveryCall* call : recorded_) {
      const v1::RecordDeliveryRequest& request = *call->request;
      jobs.Add(request.job());
      keys.Add(request.key());
      lease_tokens.Add(request.lease_token());
      chat_ids.Add(request.chat_id());
      states.Add(DeliveryStateText(request.state()));
      errors.Add(request.error());
      resends.Add(std::int64_t{request.resend_in_doubt()});
    }
    const pqxx::result rows =
        session_.Run(kRecord, jobs.Text(), keys.Text(), lease_tokens.Text(), chat_ids.Text(),
                     states.Text(), errors.Text(), resends.Text());
    for (const auto& fields : rows) AnswerRecorded(Row(fields));
    for (DeliveryCall* call : recorded_) {
      if (!call->answer) call->answer = JobRunNotFound(*call->request);
    }
  }

  void AnswerRecorded(const Row& row) {
    DeliveryCall& call = *recorded_[row.Int(0) - 1];
    const std::int64_t run_attempt = row.Int(2);
    if (const std::string refusal = row.Text(3); !refusal.empty()) {
      call.answer =
          refusal == "lease lost" ? LeaseLost(*call.request) : JobRunFinished(*call.request);
      return;
    }
    auto& response = *call.answer.emplace(v1::RecordDeliveryResponse());
    if (row.IsNull(4)) {
      unchanged_.push_back({&call, row.Int(1), run_attempt});
      return;
    }
    response.set_changed(true);
    response.set_created(row.Bool(7));
    DeliveryFrom(row, 4, *call.request, run_attempt, response);
  }

  void ReadUnchanged() {
    ArrayParameter run_ids, chat_ids;
    for (const Unchanged& unchanged : unchanged_) {
      run_ids.Add(unchanged.run_id);
      chat_ids.Add(unchanged.call->request->chat_id());
    }
    for (const auto& fields : session_.Run(kRead, run_ids.Text(), chat_ids.Text())) {
      const Row row(fields);
      const Unchanged& unchanged = unchanged_[row.Int(0) - 1];
      DeliveryFrom(row, 1, *unchanged.call->request, unchanged.run_attempt,
                   **unchanged.call->answer);
    }
  }

  // Reads state, attempt and time, beginning with `column`.
  static void DeliveryFrom(const Row& row, int column, const v1::RecordDeliveryRequest& request,
                           std::int64_t run_attempt, v1::RecordDeliveryResponse& response) {
    v1::Delivery& delivery = *response.mutable_delivery();
    delivery.set_chat_id(request.chat_id());
    delivery.set_state(DeliveryStateFrom(row.Text(column)));
    delivery.set_attempt(static_cast<std::int32_t>(row.Int(column + 1)));
    *delivery.mutable_recorded_at() = row.Instant(column + 2);
    response.set_may_send(request.state() == v1::DELIVERY_STATE_CLAIMED &&
                          delivery.state() == v1::DELIVERY_STATE_CLAIMED &&
                          delivery.attempt() == run_attempt);
  }

  static void AnswerRepeat(DeliveryCall& call, const DeliveryCall& first) {
    call.answer = first.answer;
    if (!call.answer || !call.answer->ok()) return;
    (*call.answer)->set_created(false);
    (*call.answer)->set_changed(false);
  }

  Session& session_;
  const absl::Span<DeliveryCall> calls_;
  std::vector<DeliveryCall*> recorded_;
  std::map<Key, DeliveryCall*> firsts_;
  std::vector<Unchanged> unchanged_;
  std::vector<std::pair<DeliveryCall*, const DeliveryCall*>> repeats_;
};

}  // namespace

absl::StatusOr<v1::RecordDeliveryResponse> JobRepository::RecordDelivery(
    const v1::RecordDeliveryRequest& request) {
  DeliveryCall call{&request};
  DeliveryRecorder(session_, absl::MakeSpan(&call, 1)).Run();
  // Nothing else is there that it would have to come after.
  return *std::move(call.answer);
}

void JobRepository::RecordDeliveryJoined(
    JoinedCalls<v1::RecordDeliveryRequest, v1::RecordDeliveryResponse> calls) {
  DeliveryRecorder(session_, calls).Run();
}

StatementList DeliveryRecordStatements() {
  static constexpr const Statement* kAll[] = {&kRecord, &kRead};
  return kAll;
}

}  // namespace aquifer
