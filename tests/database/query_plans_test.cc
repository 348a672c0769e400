// Every named statement of the repositories, planned by PostgreSQL over a million lines.
//
// The plan looked at is the generic one, made for parameters unknown: it is what a prepared
// statement may end up with, and the harder of the two to get right.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "repositories/collection_summary_sql.h"
#include "repositories/statements.h"
#include "server/database/whole_file.h"
#include "tests/testing/million_lines.h"

namespace aquifer {
namespace {

using ::testing::IsEmpty;
using testing::MillionLines;
using ::testing::Not;

// Statements that rightly read a big table whole, each with its reason.
const std::map<std::string, std::string>& WholeReads() {
  static const std::map<std::string, std::string> reasons = {
      {"maintenance.count_tasks", "it counts every task there is unless a filter says otherwise"},
  };
  return reasons;
}

std::string PreparedName(const Statement& statement) {
  return absl::StrReplaceAll(statement.name, {{".", "_"}});
}

// One connection on which every statement is prepared and planned for parameters unknown.
class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() : connection_(MillionLines().url()), transaction_(connection_) {
    transaction_.exec("SET LOCAL plan_cache_mode = force_generic_plan");
  }

  void Prepare(const Statement& statement) {
    transaction_.exec(absl::StrCat("PREPARE ", PreparedName(statement), " AS ", statement.sql));
  }

  // As many NULLs as the statement has parameters.
  std::string Nulls(const Statement& statement) {
    const pqxx::result parameters = transaction_.exec(
        absl::StrCat("SELECT array_to_string(array_fill('NULL'::text, "
                     "ARRAY[cardinality(parameter_types)]), ', ') FROM pg_prepared_statements "
                     "WHERE name = '",
                     PreparedName(statement), "'"));
    return parameters[0][0].c_str();
  }

  // The root of the plan.
  google::protobuf::Struct Explain(const std::string& options, const Statement& statement,
                                   const std::string& arguments) {
    const pqxx::result rows = transaction_.exec(
        absl::StrCat("EXPLAIN (FORMAT JSON", options, ") EXECUTE ", PreparedName(statement),
                     arguments.empty() ? "" : absl::StrCat("(", arguments, ")")));
    google::protobuf::Value json;
    const auto status = google::protobuf::util::JsonStringToMessage(rows[0][0].c_str(), &json);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return json.list_value().values(0).struct_value().fields().at("Plan").struct_value();
  }

  pqxx::connection connection_;
  pqxx::work transaction_;
};

std::string Text(const google::protobuf::Struct& node, const std::string& key) {
  const auto found = node.fields().find(key);
  return found == node.fields().end() ? "" : found->second.string_value();
}

// The tables that grow with time.
bool IsBig(const std::string& table) {
  static const std::set<std::string> big = {
      "assigned_devices",  "collections", "deliveries",          "fetch_outcomes", "job_runs",
      "maintenance_tasks", "shifts",      "water_quality_tests", "work_points"};
  return big.count(table) > 0;
}

// Adds what each node below reads of a big table without an index's condition.
void FindWholeReads(const google::protobuf::Struct& node, std::vector<std::string>& found) {
  const std::string type = Text(node, "Node Type");
  const std::string table = Text(node, "Relation Name");
  if (IsBig(table)) {
    const bool by_index = type == "Index Scan" || type == "Index Only Scan";
    // A partial index with a row a worker at most is small however big its table is.
    const bool small = Text(node, "Index Name") == "shifts_under_way";
    if (type == "Seq Scan" || (by_index && !small && Text(node, "Index Cond").empty())) {
      found.push_back(absl::StrCat(type, " of ", table, " filtered by ", Text(node, "Filter")));
    }
  }
  const auto plans = node.fields().find("Plans");
  if (plans == node.fields().end()) return;
  for (const auto& plan : plans->second.list_value().values()) {
    FindWholeReads(plan.struct_value(), found);
  }
}

class QueryPlansTest : public ExplainTest,
                       public ::testing::WithParamInterface<const Statement*> {};

TEST_P(QueryPlansTest, AnIndexServesEveryReadOfABigTable) {
  const Statement& statement = *GetParam();
  Prepare(statement);

  std::vector<std::string> found;
  FindWholeReads(Explain("", statement, Nulls(statement)), found);

  if (WholeReads().count(statement.name)) {
    EXPECT_THAT(found, Not(IsEmpty())) << "needs its exception no more";
  } else {
    EXPECT_THAT(found, IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(EveryStatement, QueryPlansTest, ::testing::ValuesIn(AllStatements()),
                         [](const auto& statement) { return PreparedName(*statement.param); });

// What a statement may touch at most, with arguments of daily use: blocks of 8 kB.
struct Cost {
  const char* name;
  const char* arguments;
  int most_blocks;
};

class QueryCostTest : public ExplainTest {};

TEST_F(QueryCostTest, ReadsAreBoundedByWhatTheyAnswer) {
  // A page of 50 takes 51 rows; a row may stand in a block of its own, below 4 blocks of index.
  const std::vector<Cost> costs = {
      {"collections.get_by_id", "500000", 20},
      {"collections.get_by_key", "'device-7', '2026-01-10 12:00'", 20},
      {"collections.count_on_day", "'device-7', '2026-01-10'", 20},
      // The first page, and one after 900,000 lines, at the end of a range too.
      {"collections.list_newest",
       "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 51", 200},
      {"collections.list_newest",
       "'2025-06-01', '2026-03-31', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2025-06-15', 0, 51",
       200},
      {"collections.list_oldest",
       "'2025-06-01', '2026-03-31', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-15', 0, 51",
       200},
      {"collections.list_newest_by_time",
       "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 51", 200},
      {"collections.list_newest_by_time",
       "'2025-06-01', '2026-03-31', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2025-06-15', 0, 51",
       200},
      {"collections.list_oldest_by_time",
       "'2025-06-01', '2026-03-31', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-15', 0, 51",
       200},
      // Two devices with a hundred lines each.
      {"collections.list_newest_by_device",
       "NULL, NULL, NULL, NULL, '{device-1,device-2}', NULL, NULL, NULL, NULL, NULL, 0, 51", 400},
      {"collections.list_oldest_by_device",
       "NULL, NULL, NULL, NULL, '{device-1,device-2}', NULL, NULL, NULL, NULL, '2026-01-01', 0, 51",
       400},
      // Collectors with 25,000 lines each, by text and by worker.
      {"collections.list_newest_by_collector",
       "NULL, NULL, NULL, NULL, NULL, '{collector 1,collector 2}', NULL, NULL, NULL, NULL, 0, 51",
       400},
      {"collections.list_oldest_by_collector",
       "NULL, NULL, NULL, NULL, NULL, NULL, '{1}', NULL, NULL, '2026-01-01', 0, 51", 600},
      // A page of each of 20 states and priorities, of 3 states, of one machine and technician.
      {"maintenance.list_newest_by_state",
       "NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, '', 51, 1000000", 1500},
      {"maintenance.list_newest_by_type",
       "NULL, NULL, '{emergency_repair}', NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, '', "
       "51, 100000",
       200},
      {"maintenance.list_scheduled_by_state",
       "NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, '2026-01-01', '', 51, 0, NULL",
       300},
      {"maintenance.list_newest_by_machine",
       "NULL, NULL, NULL, '{device-1}', NULL, false, NULL, NULL, NULL, NULL, NULL, '', 51, "
       "1000000",
       200},
      {"maintenance.list_newest_by_technician",
       "NULL, NULL, NULL, NULL, '{1}', false, NULL, NULL, NULL, NULL, NULL, '', 51, 1000000", 200},
      {"maintenance.list_tests_by_machine",
       "'{device-1}', NULL, NULL, NULL, NULL, NULL, NULL, 0, 51", 200},
      {"maintenance.list_tests_by_rating", "NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 51", 600},
      {"maintenance.get_technician", "1", 100},
      // A worker with 12,000 points on 300 shifts, and one of 3,000 shifts.
      {"work_points.list_of_worker", "1, '2026-01-10', '2026-01-12', NULL, 0, 51", 80},
      {"work_points.list_of_worker", "1, NULL, NULL, '2025-12-01', 1, 51", 80},
      {"work_points.list_of_shift", "1500, NULL, NULL, NULL, 0, 51", 80},
      {"worker_statistics.points", "1, '2026-01-10', '2026-01-10'", 80},
      // Three texts with 25,000 lines each, of which the last is asked for.
      {"workers.list_inactive", "0, '2026-01-10', 51", 250},
      {"assigned_devices.list_by_worker", "5, '', 5, 51", 80},
      {"assigned_devices.list_by_device", "'device-7', 0, 100, 51", 20},
      {"collections.delete_lock_by_device",
       "'2026-01-10', '2026-01-10', NULL, NULL, '{device-1}', NULL, NULL, NULL, NULL, 10001", 40},
      {"job_runs.read", "'daily-summary', '7', 'token'", 20},
      {"job_runs.list", "NULL, NULL, NULL, NULL, NULL, NULL, 0, 51", 100},
      {"job_runs.list_of_job", "NULL, NULL, NULL, NULL, NULL, NULL, 0, 51, 'daily-summary'", 100},
      // A run with ten deliveries.
      {"deliveries.undelivered_workers", "7, 1, true, NULL, 51", 60},
      {"deliveries.undelivered_chats", "7, 1, true, NULL, 51, '{1,2,3}'", 60},
  };
  std::map<std::string, const Statement*> statements;
  for (const Statement* statement : AllStatements()) {
    statements[statement->name] = statement;
    Prepare(*statement);
  }

  for (const Cost& cost : costs) {
    ASSERT_TRUE(statements.count(cost.name)) << cost.name;
    const auto plan = Explain(", ANALYZE, BUFFERS", *statements[cost.name], cost.arguments);

    const double blocks = plan.fields().at("Shared Hit Blocks").number_value() +
                          plan.fields().at("Shared Read Blocks").number_value();
    EXPECT_LE(blocks, cost.most_blocks) << cost.name << "(" << cost.arguments << ")";
  }
}

// What keeps a summary fast, said without a clock: a month of 103,000 lines is read from
// collections_by_time alone, once, and nothing is put aside on disk.
TEST_F(QueryCostTest, AMonthIsSummedFromItsIndexAndInMemory) {
  constexpr char kJanuary[] =
      "'2026-01-01', '2026-01-31', NULL, NULL, NULL, NULL, NULL, NULL, NULL";
  Prepare(kSummarize.by_time);
  transaction_.exec(kSummarySettings.sql);

  for (const char* groups :
       {"NULL, false, false", "'day', false, false", "NULL, true, false", "'day', true, false",
        "'week', true, false", "NULL, true, true", "'day', false, true"}) {
    const auto plan = Explain(", ANALYZE, BUFFERS", kSummarize.by_time,
                              absl::StrCat(kJanuary, ", ", groups, ", false, 1000"));

    const auto number = [&](const char* key) { return plan.fields().at(key).number_value(); };
    EXPECT_LE(number("Shared Hit Blocks") + number("Shared Read Blocks"), 1500) << groups;
    EXPECT_EQ(number("Temp Read Blocks") + number("Temp Written Blocks"), 0) << groups;
  }
}

// From the sums of its days it is read once too, and so that no pair of groupings needs the disk.
TEST_F(QueryCostTest, AMonthIsSummedFromItsCellsInMemory) {
  constexpr char kJanuary[] =
      "'2026-01-01', '2026-01-31', NULL, NULL, NULL, NULL, NULL, NULL, NULL";
  Prepare(kSummarizeCells);
  transaction_.exec(kSummarySettings.sql);

  for (const char* groups : {"'month', false, false", "NULL, true, false", "'day', true, false",
                             "'week', true, false", "NULL, true, true", "'day', false, true"}) {
    const auto plan = Explain(", ANALYZE, BUFFERS", kSummarizeCells,
                              absl::StrCat(kJanuary, ", ", groups, ", false, 1000"));

    const auto number = [&](const char* key) { return plan.fields().at(key).number_value(); };
    EXPECT_LE(number("Shared Hit Blocks") + number("Shared Read Blocks"), 2000) << groups;
    EXPECT_EQ(number("Temp Read Blocks") + number("Temp Written Blocks"), 0) << groups;
  }
}

// All days of a million lines, by day: not one of the lines, but a look for each of 10,000 devices.
TEST_F(QueryCostTest, ManyDaysAreReadARowADay) {
  Prepare(kSummarizeDays);
  transaction_.exec(kSummarySettings.sql);

  const auto plan = Explain(", ANALYZE, BUFFERS", kSummarizeDays,
                            "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'day', false, "
                            "false, false, 1000");

  EXPECT_LE(plan.fields().at("Shared Hit Blocks").number_value() +
                plan.fields().at("Shared Read Blocks").number_value(),
            10000 * 4 + 500);
}

// The names of all statements in the source text of repositories/.
std::set<std::string> NamesInSources() {
  const std::regex declaration(R"re(const(?:expr)? Statement \w+\s*=\s*\{\s*"([^"]+)")re");
  std::set<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(AQUIFER_SOURCE_DIR "/repositories")) {
    if (entry.path().extension() != ".cc") continue;
    const std::string source = ReadWhole(entry.path());
    for (std::sregex_iterator found(source.begin(), source.end(), declaration), end; found != end;
         ++found) {
      EXPECT_TRUE(names.insert((*found)[1]).second) << (*found)[1] << " is there twice";
    }
  }
  return names;
}

TEST(StatementsTest, ListHasEveryStatementOfTheSources) {
  std::set<std::string> listed;
  for (const Statement* statement : AllStatements()) listed.insert(statement->name);

  EXPECT_EQ(listed, NamesInSources())
      << "a file's statements belong into its list at its end, and that into statements.h and .cc";
}

// The triggers that mark the days of changed lines are off for our sessions.
TEST(StatementsTest, WhatChangesLinesMarksTheirDays) {
  int changes = 0;
  for (const Statement* statement : AllStatements()) {
    const std::string sql = statement->sql;
    const bool changes_lines = sql.find("INSERT INTO aquifer.collections ") != std::string::npos ||
                               sql.find("UPDATE aquifer.collections ") != std::string::npos ||
                               sql.find("DELETE FROM aquifer.collections ") != std::string::npos;
    if (!changes_lines) continue;
    ++changes;
    EXPECT_NE(sql.find("INSERT INTO aquifer.rollup_changes"), std::string::npos) << statement->name;
  }
  EXPECT_GE(changes, 5);
}

TEST(StatementsTest, ExceptionsNameStatements) {
  const auto names = NamesInSources();

  for (const auto& [name, reason] : WholeReads()) EXPECT_TRUE(names.count(name)) << name;
}

}  // namespace
}  // namespace aquifer
