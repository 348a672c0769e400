// Storing one line each for several callers: one statement for all of them.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "repositories/array.h"
#include "repositories/civil_instants.h"
#include "repositories/collection_line.h"
#include "repositories/collection_repository.h"
#include "repositories/collection_rollup_sql.h"
#include "repositories/collection_row.h"
#include "repositories/collection_upsert.h"
#include "repositories/errors.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

using RecordCall = Joined<v1::RecordCollectionRequest, v1::RecordCollectionResponse>;

// Lines of different keys; a row for each, as collections.record answers one, and its place among
// those given, counted from 1. Devices come before lines and each in the order of their keys, so
// that sets cannot deadlock. A set does not wait for long for a row that somebody else holds: it
// fails with 55P03, and who has to wait does so apart.
constexpr Statement kRecordJoined = {
    "collections.record_joined",
    R"sql(
WITH line AS MATERIALIZED (
  SELECT
    given.place, given.device_id, given.collected_at, given.banknotes, given.coins,
    given.collector, given.card_id, given.note, given.machine,
    c.id, )sql" AQUIFER_LINE_ADDS("given") R"sql( AS gains
  FROM (
    SELECT
      place, device_id COLLATE "C" AS device_id,
      COALESCE(instant, aquifer.civil_instant(wall_time)) AS collected_at,
      banknotes_minor / 100.0 AS banknotes, coins_minor / 100.0 AS coins,
      collector, card_id, note, machine
    FROM unnest(
      $1::text[], $2::timestamptz[], $3::timestamp[], $4::bigint[], $5::bigint[],
      $6::text[], $7::text[], $8::text[], $9::text[]
    ) WITH ORDINALITY AS argument (
      device_id, instant, wall_time, banknotes_minor, coins_minor,
      collector, card_id, note, machine, place)
  ) AS given
  LEFT JOIN aquifer.collections AS c
    ON c.device_id = given.device_id AND c.collected_at = given.collected_at
  WHERE (SELECT set_config('lock_timeout', '200ms', true)) IS NOT NULL
), )sql" AQUIFER_LINE_DEVICES(
        "line.collected_at IS NOT NULL AND line.id IS NULL") R"sql(, stored AS (
  INSERT INTO aquifer.collections AS c ()sql" AQUIFER_LINE_COLUMNS R"sql()
  SELECT )sql" AQUIFER_LINE_COLUMNS R"sql(
  FROM line
  WHERE line.collected_at IS NOT NULL
    AND (line.id IS NULL OR line.gains)
    AND (SELECT count(*) FROM registered) >= 0
  ORDER BY line.device_id, line.collected_at
)sql" AQUIFER_LINE_RAISE R"sql(
  RETURNING )sql" AQUIFER_STORED_COLUMNS("c") R"sql(
), )sql" AQUIFER_MARKS("stored") R"sql(, )sql" AQUIFER_LINE_OUTCOMES("line JOIN "
                                                                     "aquifer.collections AS known "
                                                                     "ON known.id = line.id WHERE "
                                                                     "NOT line.gains") R"sql(
SELECT )sql" AQUIFER_COLLECTION_COLUMNS R"sql(,
  c.outcome, line.collected_at IS NOT NULL, line.place
FROM line
LEFT JOIN c
  ON c.device_id = line.device_id AND c.collected_at = line.collected_at
)sql" AQUIFER_COLLECTION_JOINS};

constexpr int kOutcomeColumn = 16;
constexpr int kOccursColumn = 17;
constexpr int kPlaceColumn = 18;

// Gives each call its answer. Of lines of one key the first is stored, and those that add nothing
// to it are unchanged; one that does is left for the next set.
class JoinedRecorder {
 public:
  JoinedRecorder(Session& session, absl::Span<RecordCall> calls)
      : session_(session), calls_(calls), parsed_(calls.size()) {}

  void Run() {
    for (std::size_t i = 0; i < calls_.size(); ++i) Take(i);
    AnswerEmpty();
    for (const auto& [key, indexes] : by_key_) ChooseFirst(indexes);
    if (!stored_.empty()) Store();
    for (const auto& [index, first] : repeats_) AnswerRepeat(calls_[index], calls_[first]);
  }

 private:
  // Device and time as the caller gave it.
  using Key = std::pair<std::string, std::string>;
  enum class Form { kInstant, kWallTime, kNoMore };

  const v1::CollectionLine& LineOf(std::size_t index) const {
    return calls_[index].request->line();
  }

  void Take(std::size_t index) {
    const v1::CollectionLine& line = LineOf(index);
    std::vector<FieldViolation> violations;
    parsed_[index] = ParseLine(line, "line", violations);
    const ParsedLine& parsed = parsed_[index];
    if (!violations.empty()) {
      calls_[index].answer = InvalidFields(violations);
    } else if (parsed.IsZero()) {
      empty_.push_back(index);
    } else {
      Queue(index, Key(line.device_id(), parsed.instant ? *parsed.instant : *parsed.wall_time));
    }
  }

  // An instant and a wall time may be one key, which only the database can tell. So the lines of a
  // device are of one form in a set, and what comes after one of another form comes after it.
  bool FitsForm(std::size_t index) {
    const Form form = parsed_[index].instant ? Form::kInstant : Form::kWallTime;
    Form& of_device = forms_.try_emplace(LineOf(index).device_id(), form).first->second;
    if (of_device != form) of_device = Form::kNoMore;
    return of_device == form;
  }

  void Queue(std::size_t index, Key key) {
    if (FitsForm(index)) by_key_[std::move(key)].push_back(index);
  }

  void ChooseFirst(const std::vector<std::size_t>& indexes) {
    const auto total = [this](std::size_t index) {
      return parsed_[index].banknotes_minor + parsed_[index].coins_minor;
    };
    const std::size_t first =
        *std::max_element(indexes.begin(), indexes.end(),
                          [&](std::size_t a, std::size_t b) { return total(a) < total(b); });
    stored_.push_back(first);
    MergedLines merged;
    merged.Merge(LineOf(first), parsed_[first]);
    for (const std::size_t index : indexes) {
      if (index != first && !merged.Gains(LineOf(index), parsed_[index])) {
        repeats_.emplace_back(index, first);
      }
    }
  }

  // Lines of no amounts are not stored; their wall time has to occur all the same.
  void AnswerEmpty() {
    std::vector<std::string> wall_times;
    for (const std::size_t index : empty_) {
      if (parsed_[index].wall_time) wall_times.push_back(*parsed_[index].wall_time);
    }
    const auto instants = CivilInstants(session_, wall_times);
    auto instant = instants.begin();
    for (const std::size_t index : empty_) {
      if (parsed_[index].wall_time && !*instant++) {
        calls_[index].answer = WallTimeSkipped();
      } else {
        calls_[index]
            .answer.emplace(v1::RecordCollectionResponse())
            ->set_outcome(v1::RECORD_OUTCOME_SKIPPED);
      }
    }
  }

  void Store() {
    ArrayParameter device_ids, instants, wall_times, banknotes, coins, collectors, card_ids, notes,
        machines;
    for (const std::size_t index : stored_) {
      const v1::CollectionLine& line = LineOf(index);
      const ParsedLine& parsed = parsed_[index];
      device_ids.Add(line.device_id());
      AddOrNull(parsed.instant, instants);
      AddOrNull(parsed.wall_time, wall_times);
      banknotes.Add(parsed.banknotes_minor);
      coins.Add(parsed.coins_minor);
      collectors.Add(line.collector());
      card_ids.Add(line.card_id());
      notes.Add(line.note());
      machines.Add(line.machine());
    }
    const pqxx::result rows = session_.Run(
        kRecordJoined, device_ids.Text(), instants.Text(), wall_times.Text(), banknotes.Text(),
        coins.Text(), collectors.Text(), card_ids.Text(), notes.Text(), machines.Text());
    for (const auto& fields : rows) AnswerStored(Row(fields));
  }

  static void AddOrNull(const std::optional<std::string>& text, ArrayParameter& array) {
    if (text) {
      array.Add(*text);
    } else {
      array.AddNull();
    }
  }

  void AnswerStored(const Row& row) {
    RecordCall& call = calls_[stored_[row.Int(kPlaceColumn) - 1]];
    if (!row.Bool(kOccursColumn)) {
      call.answer = WallTimeSkipped();
    } else if (!row.IsNull(kOutcomeColumn)) {
      auto& response = *call.answer.emplace(v1::RecordCollectionResponse());
      response.set_outcome(static_cast<v1::RecordOutcome>(row.Int(kOutcomeColumn)));
      CollectionFrom(row, *response.mutable_collection());
    }
    // Else a concurrent transaction stored the same key since the statement began: asked again, it
    // will be seen.
  }

  static void AnswerRepeat(RecordCall& call, const RecordCall& first) {
    call.answer = first.answer;
    if (call.answer && call.answer->ok()) {
      (*call.answer)->set_outcome(v1::RECORD_OUTCOME_UNCHANGED);
    }
  }

  static absl::Status WallTimeSkipped() {
    return InvalidFields({{"line.wall_time", std::string(kWallTimeSkipped)}});
  }

  Session& session_;
  const absl::Span<RecordCall> calls_;
  std::vector<ParsedLine> parsed_;
  std::vector<std::size_t> empty_;
  std::vector<std::size_t> stored_;
  std::map<Key, std::vector<std::size_t>> by_key_;
  std::map<std::string, Form> forms_;
  std::vector<std::pair<std::size_t, std::size_t>> repeats_;
};

}  // namespace

void CollectionRepository::RecordCollectionJoined(
    JoinedCalls<v1::RecordCollectionRequest, v1::RecordCollectionResponse> calls) {
  JoinedRecorder(session_, calls).Run();
}

StatementList CollectionRecordJoinedStatements() {
  static constexpr const Statement* kAll[] = {&kRecordJoined};
  return kAll;
}

}  // namespace aquifer
