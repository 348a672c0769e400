// Storing many lines, set by set: what a batch and a part of an import share.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "repositories/array.h"
#include "repositories/civil_instants.h"
#include "repositories/collection_line.h"
#include "repositories/collection_repository.h"
#include "repositories/collection_rollup_sql.h"
#include "repositories/collection_upsert.h"
#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "repositories/record_counts.h"
#include "repositories/rejection.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

using Lines = google::protobuf::RepeatedPtrField<v1::CollectionLine>;
using Results = google::protobuf::RepeatedPtrField<v1::RecordResult>;

constexpr int kMaxRejectedLines = 100;

// Stores lines of different keys; a row for each that was stored or is unchanged. No row for one
// that a concurrent transaction stored since this statement began, nor for an unchanged one that
// $9 asks to be locked: both are locked then, and the next statement gives their answer. Devices
// come before lines and each in the order of their keys, so that batches cannot deadlock.
constexpr Statement kRecordMany = {"collections.record_many", R"sql(
WITH line AS MATERIALIZED (
  SELECT
    given.device_id COLLATE "C" AS device_id, given.collected_at, given.banknotes, given.coins,
    given.collector, given.card_id, given.note, given.machine, given.must_lock <> 0 AS must_lock,
    c.id, c.version, )sql" AQUIFER_LINE_ADDS("given") R"sql( AS gains
  FROM (
    SELECT
      device_id, collected_at, banknotes_minor / 100.0 AS banknotes, coins_minor / 100.0 AS coins,
      collector, card_id, note, machine, must_lock
    FROM unnest(
      $1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[],
      $5::text[], $6::text[], $7::text[], $8::text[], $9::integer[]
    ) AS argument (
      device_id, collected_at, banknotes_minor, coins_minor,
      collector, card_id, note, machine, must_lock)
  ) AS given
  LEFT JOIN aquifer.collections AS c
    ON c.device_id = given.device_id AND c.collected_at = given.collected_at
), )sql" AQUIFER_LINE_DEVICES("line.id IS NULL") R"sql(, stored AS (
  INSERT INTO aquifer.collections AS c ()sql" AQUIFER_LINE_COLUMNS R"sql()
  SELECT )sql" AQUIFER_LINE_COLUMNS R"sql(
  FROM line
  WHERE (line.id IS NULL OR line.gains OR line.must_lock)
    AND (SELECT count(*) FROM registered) >= 0
  ORDER BY line.device_id, line.collected_at
)sql" AQUIFER_LINE_RAISE R"sql(
  RETURNING c.device_id, c.collected_at, c.id, c.version
), )sql" AQUIFER_MARKS("stored") R"sql(
SELECT
  stored.device_id, stored.collected_at, stored.id, stored.version,
  CASE WHEN stored.version = 1 THEN 1 ELSE 2 END
FROM stored
UNION ALL
SELECT line.device_id, line.collected_at, line.id, line.version, 3
FROM line
WHERE NOT line.gains AND NOT line.must_lock
)sql"};

// One column an array, in the order of the statement's parameters.
struct RoundParameters {
  ArrayParameter device_ids, instants, banknotes, coins, collectors, card_ids, notes, machines,
      must_lock;
};

// Stores the lines of one request. Lines of different keys go in one statement; of lines of the
// same key only the k-th goes in round k, so that they behave as if stored in turn.
class LineRecorder {
 public:
  LineRecorder(Session& session, const Lines& lines, Results& results)
      : session_(session), lines_(lines), results_(results), parsed_(lines.size()) {}

  void Run() {
    for (int i = 0; i < lines_.size(); ++i) results_.Add();
    ParseAll();
    FindInstants();
    for (int i = 0; i < lines_.size(); ++i) {
      if (results_[i].outcome() == v1::RECORD_OUTCOME_UNSPECIFIED) Queue(i);
    }
    while (!waiting_.empty()) StoreRound();
    for (const auto& [index, before] : repeats_) {
      results_[index].set_outcome(v1::RECORD_OUTCOME_UNCHANGED);
      results_[index].set_id(results_[before].id());
      results_[index].set_version(results_[before].version());
    }
  }

 private:
  // Device and instant, ordered as the database orders the unique key.
  using Key = std::pair<std::string, std::string>;

  // The lines of one key that are not stored yet, the next one last.
  struct Turns {
    std::vector<int> reversed;
    bool locked = false;
  };

  static std::string PathOf(int index) { return absl::StrCat("lines[", index, "]"); }

  void ParseAll() {
    for (int i = 0; i < lines_.size(); ++i) {
      std::vector<FieldViolation> violations = CheckFieldRules(lines_[i], PathOf(i));
      parsed_[i] = ParseLine(lines_[i], PathOf(i), violations);
      if (!violations.empty()) Reject(violations, results_[i]);
    }
  }

  void FindInstants() {
    std::vector<int> indexes;
    std::vector<std::string> wall_times;
    for (int i = 0; i < lines_.size(); ++i) {
      if (results_[i].has_rejection() || !parsed_[i].wall_time) continue;
      indexes.push_back(i);
      wall_times.push_back(*parsed_[i].wall_time);
    }
    const auto instants = CivilInstants(session_, wall_times);
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      parsed_[indexes[i]].instant = instants[i];
      if (!instants[i]) {
        Reject({{PathOf(indexes[i]) + ".wall_time", std::string(kWallTimeSkipped)}},
               results_[indexes[i]]);
      }
    }
  }

  void Queue(int index) {
    if (parsed_[index].IsZero()) {
      results_[index].set_outcome(v1::RECORD_OUTCOME_SKIPPED);
      return;
    }
    Key key(lines_[index].device_id(), *parsed_[index].instant);
    const auto [merged, is_first] = merged_.try_emplace(key);
    auto& [last, stored] = merged->second;
    if (!is_first && !stored.Gains(lines_[index], parsed_[index])) {
      repeats_.emplace_back(index, last);
      return;
    }
    last = index;
    stored.Merge(lines_[index], parsed_[index]);
    std::vector<int>& turns = waiting_[std::move(key)].reversed;
    turns.insert(turns.begin(), index);
  }

  void StoreRound() {
    RoundParameters parameters;
    for (auto& [key, turns] : waiting_) AddTurn(key, turns, parameters);
    const pqxx::result stored = session_.Run(
        kRecordMany, parameters.device_ids.Text(), parameters.instants.Text(),
        parameters.banknotes.Text(), parameters.coins.Text(), parameters.collectors.Text(),
        parameters.card_ids.Text(), parameters.notes.Text(), parameters.machines.Text(),
        parameters.must_lock.Text());
    for (const auto& fields : stored) Answer(Row(fields));
  }

  // A key with more turns is locked in the first one, even if unchanged: were it locked out of
  // order in a later one, two batches could deadlock.
  void AddTurn(const Key& key, Turns& turns, RoundParameters& parameters) {
    const int index = turns.reversed.back();
    const v1::CollectionLine& line = lines_[index];
    parameters.device_ids.Add(key.first);
    parameters.instants.Add(key.second);
    parameters.banknotes.Add(parsed_[index].banknotes_minor);
    parameters.coins.Add(parsed_[index].coins_minor);
    parameters.collectors.Add(line.collector());
    parameters.card_ids.Add(line.card_id());
    parameters.notes.Add(line.note());
    parameters.machines.Add(line.machine());
    const bool must_lock = turns.reversed.size() > 1 && !turns.locked;
    parameters.must_lock.Add(std::int64_t{must_lock});
    turns.locked |= must_lock;
  }

  void Answer(const Row& row) {
    const auto found = waiting_.find(Key(row.Text(0), InstantText(row.Instant(1))));
    std::vector<int>& turns = found->second.reversed;
    v1::RecordResult& result = results_[turns.back()];
    result.set_id(row.Int(2));
    result.set_version(row.Int(3));
    result.set_outcome(static_cast<v1::RecordOutcome>(row.Int(4)));
    turns.pop_back();
    if (turns.empty()) waiting_.erase(found);
  }

  Session& session_;
  const Lines& lines_;
  Results& results_;
  std::vector<ParsedLine> parsed_;
  std::map<Key, Turns> waiting_;
  std::map<Key, std::pair<int, MergedLines>> merged_;
  // A line that adds nothing to an earlier one of the same key, and that earlier one.
  std::vector<std::pair<int, int>> repeats_;
};

std::int64_t LinesIn(const v1::RecordCounts& counts) {
  return counts.inserted() + counts.updated() + counts.unchanged() + counts.skipped() +
         counts.rejected();
}

}  // namespace

absl::StatusOr<v1::RecordCollectionsResponse> CollectionRepository::RecordCollections(
    const v1::RecordCollectionsRequest& request) {
  v1::RecordCollectionsResponse response;
  LineRecorder(session_, request.lines(), *response.mutable_results()).Run();
  for (const auto& result : response.results()) {
    CountOutcome(result.outcome(), *response.mutable_counts());
  }
  return response;
}

absl::StatusOr<v1::ImportCollectionsResponse> CollectionRepository::ImportCollections(
    const v1::ImportCollectionsRequest& part) {
  Results results;
  LineRecorder(session_, part.lines(), results).Run();
  v1::ImportCollectionsResponse response;
  for (int i = 0; i < results.size(); ++i) {
    CountOutcome(results[i].outcome(), *response.mutable_counts());
    if (!results[i].has_rejection()) continue;
    if (response.rejected_lines_size() == kMaxRejectedLines) continue;
    v1::RejectedLine& rejected = *response.add_rejected_lines();
    rejected.set_line_number(i + 1);
    rejected.mutable_rejection()->Swap(results[i].mutable_rejection());
  }
  return response;
}

void CollectionRepository::AppendImport(const v1::ImportCollectionsResponse& part,
                                        v1::ImportCollectionsResponse& whole) {
  const std::int64_t before = LinesIn(whole.counts());
  for (const v1::RejectedLine& rejected : part.rejected_lines()) {
    if (whole.rejected_lines_size() == kMaxRejectedLines) break;
    v1::RejectedLine& added = *whole.add_rejected_lines();
    added = rejected;
    added.set_line_number(before + rejected.line_number());
  }
  v1::RecordCounts& counts = *whole.mutable_counts();
  counts.set_inserted(counts.inserted() + part.counts().inserted());
  counts.set_updated(counts.updated() + part.counts().updated());
  counts.set_unchanged(counts.unchanged() + part.counts().unchanged());
  counts.set_skipped(counts.skipped() + part.counts().skipped());
  counts.set_rejected(counts.rejected() + part.counts().rejected());
}

StatementList CollectionRecordsStatements() {
  static constexpr const Statement* kAll[] = {&kRecordMany};
  return kAll;
}

}  // namespace aquifer
