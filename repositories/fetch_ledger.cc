// The fetch ledger: how the fetch of each device-day ended, the only evidence that a day is
// complete (domain rule 4).
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "repositories/array.h"
#include "repositories/collection_repository.h"
#include "repositories/fetch_state.h"
#include "repositories/field_rules.h"
#include "repositories/rejection.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

using Outcomes = google::protobuf::RepeatedPtrField<v1::FetchOutcome>;
using Results = google::protobuf::RepeatedPtrField<v1::FetchOutcomeResult>;

// The outcomes of different device-days, and a row for each that is the first of its own. Devices
// come before outcomes, both in the order of their keys, so that batches cannot deadlock.
constexpr Statement kInsert = {"fetch_outcomes.insert", R"sql(
WITH given AS MATERIALIZED (
  SELECT argument.device_id COLLATE "C" AS device_id, argument.day, argument.state, argument.lines,
    argument.error
  FROM unnest($1::text[], $2::date[], $3::text[], $4::integer[], $5::text[])
    AS argument (device_id, day, state, lines, error)
), registered AS (
  INSERT INTO aquifer.devices (device_id)
  SELECT DISTINCT given.device_id
  FROM given
  WHERE NOT EXISTS (
    SELECT FROM aquifer.devices AS device WHERE device.device_id = given.device_id)
  ORDER BY given.device_id
  ON CONFLICT DO NOTHING
  RETURNING device_id
)
INSERT INTO aquifer.fetch_outcomes AS outcome (device_id, day, state, lines, error)
SELECT device_id, day, state, lines, error
FROM given
WHERE (SELECT count(*) FROM registered) >= 0
ORDER BY day, device_id
ON CONFLICT (day, device_id) DO NOTHING
RETURNING outcome.device_id, outcome.day::text, outcome.state, 1
)sql"};

// The outcomes whose device-day has one already. The better one stays, or of two alike the later;
// every recording is an attempt. `old` is locked before anything changes, so it is what was.
constexpr Statement kUpdate = {"fetch_outcomes.update", R"sql(
WITH old AS MATERIALIZED (
  SELECT
    stored.device_id, stored.day, stored.state, stored.lines, stored.error, stored.attempts,
    stored.recorded_at, given.state AS new_state, given.lines AS new_lines,
    given.error AS new_error,
    array_position('{failed,empty,ok}'::text[], given.state)
      < array_position('{failed,empty,ok}'::text[], stored.state) AS kept
  FROM unnest($1::text[], $2::date[], $3::text[], $4::integer[], $5::text[])
    AS given (device_id, day, state, lines, error)
  JOIN aquifer.fetch_outcomes AS stored
    ON stored.day = given.day AND stored.device_id = given.device_id
  ORDER BY stored.day, stored.device_id
  FOR UPDATE OF stored
)
UPDATE aquifer.fetch_outcomes AS outcome
SET state = CASE WHEN old.kept THEN old.state ELSE old.new_state END,
    lines = CASE WHEN old.kept THEN old.lines ELSE old.new_lines END,
    error = CASE WHEN old.kept THEN old.error ELSE old.new_error END,
    attempts = old.attempts + 1,
    recorded_at = CASE WHEN old.kept THEN old.recorded_at ELSE now() END
FROM old
WHERE outcome.day = old.day AND outcome.device_id = old.device_id
RETURNING
  outcome.device_id, outcome.day::text, outcome.state,
  CASE
    WHEN (outcome.state, outcome.lines, outcome.error) = (old.state, old.lines, old.error) THEN 3
    ELSE 2
  END
)sql"};

// What the rules of single fields cannot say about an outcome.
void CheckMeaning(const v1::FetchOutcome& outcome, const std::string& path,
                  std::vector<FieldViolation>& violations) {
  switch (outcome.state()) {
    case v1::FETCH_STATE_OK:
      if (outcome.lines() == 0) {
        violations.push_back({path + ".lines", "must be at least 1 where the state is OK"});
      }
      break;
    case v1::FETCH_STATE_EMPTY:
      if (outcome.lines() > 0) {
        violations.push_back({path + ".lines", "must be 0 where the state is EMPTY"});
      }
      break;
    case v1::FETCH_STATE_NEVER:
      violations.push_back({path + ".state", "must be OK, EMPTY or FAILED"});
      break;
    default:
      break;
  }
  if (!outcome.error().empty() && outcome.state() != v1::FETCH_STATE_FAILED) {
    violations.push_back({path + ".error", "must be empty where the state is not FAILED"});
  }
}

// Notes the outcomes of one request or of several, one after the other. Those of different
// device-days go in one round; of those of the same one only the k-th goes in round k, so that they
// behave as if noted in turn.
class OutcomeRecorder {
 public:
  explicit OutcomeRecorder(Session& session) : session_(session) {}

  // Both must live until Run was called.
  void Add(const Outcomes& outcomes, Results& results) {
    for (int i = 0; i < outcomes.size(); ++i) {
      CheckAndQueue(outcomes[i], absl::StrCat("outcomes[", i, "]"), *results.Add());
    }
  }

  void Run() {
    for (auto& [key, turns] : waiting_) std::reverse(turns.begin(), turns.end());
    while (!waiting_.empty()) NoteRound();
  }

 private:
  // Device and day as the database writes them.
  using Key = std::pair<std::string, std::string>;

  struct Turn {
    const v1::FetchOutcome* outcome;
    v1::FetchOutcomeResult* result;
  };

  void CheckAndQueue(const v1::FetchOutcome& outcome, const std::string& path,
                     v1::FetchOutcomeResult& result) {
    std::vector<FieldViolation> violations = CheckFieldRules(outcome, path);
    CheckMeaning(outcome, path, violations);
    if (violations.empty()) {
      waiting_[Key(outcome.device_id(), DayText(outcome.day()))].push_back({&outcome, &result});
      return;
    }
    Reject(violations, result);
  }

  void NoteRound() {
    std::vector<Key> keys;
    for (const auto& [key, turns] : waiting_) keys.push_back(key);
    const pqxx::result inserted = Note(kInsert, keys);
    std::set<Key> first;
    for (const auto& fields : inserted) first.insert(KeyOf(Row(fields)));
    keys.erase(std::remove_if(keys.begin(), keys.end(),
                              [&](const Key& key) { return first.count(key) > 0; }),
               keys.end());
    pqxx::result updated;
    if (!keys.empty()) updated = Note(kUpdate, keys);
    for (const auto& fields : inserted) Answer(Row(fields));
    for (const auto& fields : updated) Answer(Row(fields));
  }

  // Runs `statement` with the next turn of each of `keys`.
  pqxx::result Note(const Statement& statement, const std::vector<Key>& keys) {
    ArrayParameter device_ids, days, states, lines, errors;
    for (const Key& key : keys) {
      const v1::FetchOutcome& outcome = *waiting_.at(key).back().outcome;
      device_ids.Add(key.first);
      days.Add(key.second);
      states.Add(FetchStateText(outcome.state()));
      lines.Add(std::int64_t{outcome.lines()});
      errors.Add(outcome.error());
    }
    return session_.Run(statement, device_ids.Text(), days.Text(), states.Text(), lines.Text(),
                        errors.Text());
  }

  static Key KeyOf(const Row& row) { return Key(row.Text(0), row.Text(1)); }

  void Answer(const Row& row) {
    const auto found = waiting_.find(KeyOf(row));
    v1::FetchOutcomeResult& result = *found->second.back().result;
    result.set_state(FetchStateFrom(row.Text(2)));
    result.set_outcome(static_cast<v1::RecordOutcome>(row.Int(3)));
    found->second.pop_back();
    if (found->second.empty()) waiting_.erase(found);
  }

  Session& session_;
  // The outcomes not noted yet; while they are noted, the next one of each key last.
  std::map<Key, std::vector<Turn>> waiting_;
};

}  // namespace

absl::StatusOr<v1::RecordFetchOutcomesResponse> CollectionRepository::RecordFetchOutcomes(
    const v1::RecordFetchOutcomesRequest& request) {
  v1::RecordFetchOutcomesResponse response;
  OutcomeRecorder recorder(session_);
  recorder.Add(request.outcomes(), *response.mutable_results());
  recorder.Run();
  return response;
}

void CollectionRepository::RecordFetchOutcomesJoined(
    JoinedCalls<v1::RecordFetchOutcomesRequest, v1::RecordFetchOutcomesResponse> calls) {
  OutcomeRecorder recorder(session_);
  for (auto& call : calls) {
    auto& response = *call.answer.emplace(v1::RecordFetchOutcomesResponse());
    recorder.Add(call.request->outcomes(), *response.mutable_results());
  }
  recorder.Run();
}

StatementList FetchLedgerStatements() {
  static constexpr const Statement* kAll[] = {&kInsert, &kUpdate};
  return kAll;
}

}  // namespace aquifer
