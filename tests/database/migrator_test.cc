#include "server/database/migrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "repositories/errors.h"
#include "tests/testing/eventually.h"
#include "tests/testing/schema_snapshot.h"
#include "tests/testing/test_database.h"

namespace aquifer {
namespace {

using ::testing::ElementsAre;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Schema;
using testing::SnapshotOf;
using testing::TestDatabase;

constexpr Migration kMigrations[] = {
    {1, "make", "CREATE TABLE aquifer.a (id integer); INSERT INTO aquifer.a VALUES (1), (2)",
     "DROP TABLE aquifer.a", "c1", true},
    {2, "index",
     "-- aquifer: no transaction\n"
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_id ON aquifer.a (id);\n"
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_minus ON aquifer.a ((-id));\n",
     "DROP INDEX CONCURRENTLY aquifer.a_minus;\nDROP INDEX CONCURRENTLY aquifer.a_id;\n", "c2",
     false},
    {3, "more", "CREATE TABLE aquifer.b (id integer)", "DROP TABLE aquifer.b", "c3", true},
};

// A migration of its own after kMigrations[0].
std::vector<Migration> FirstAnd(const Migration& second) { return {kMigrations[0], second}; }

class MigratorTest : public ::testing::Test {
 protected:
  Migrator Make(absl::Span<const Migration> migrations, MigratorOptions options = {}) {
    ConnectionSettings settings;
    settings.url = database_.url();
    return Migrator(settings, migrations, std::move(options));
  }

  // A short wait for locks, for tests in which one is held.
  static MigratorOptions Impatient() {
    MigratorOptions options;
    options.wait = absl::Milliseconds(50);
    options.lock_timeout = absl::Milliseconds(50);
    options.lock_attempts = 2;
    options.lock_pause = absl::Milliseconds(1);
    return options;
  }

  std::string Text(const std::string& sql) { return database_.Execute(sql)[0][0].c_str(); }

  std::vector<std::string> ValidIndexes() {
    std::vector<std::string> names;
    for (const auto& row :
         database_.Execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indisvalid "
                           "AND indrelid = to_regclass('aquifer.a') ORDER BY 1")) {
      names.emplace_back(row[0].c_str());
    }
    return names;
  }

  TestDatabase database_{Schema::kEmpty};
};

std::vector<std::string> NamesOf(const absl::StatusOr<std::vector<MigrationStep>>& steps) {
  EXPECT_TRUE(steps.ok()) << steps.status();
  std::vector<std::string> names;
  if (!steps.ok()) return names;
  for (const MigrationStep& step : *steps) names.push_back(step.name);
  return names;
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST_F(MigratorTest, UpAppliesEverythingOnce) {
  Migrator migrator = Make(kMigrations);

  EXPECT_THAT(NamesOf(migrator.Up()), ElementsAre("0001_make", "0002_index", "0003_more"));
  EXPECT_THAT(NamesOf(migrator.Up()), IsEmpty());

  EXPECT_EQ(Text("SELECT count(*) FROM aquifer.a"), "2");
  EXPECT_THAT(ValidIndexes(), ElementsAre("aquifer.a_id", "aquifer.a_minus"));
  EXPECT_TRUE(migrator.Validate().ok()) << migrator.Validate();
}

TEST_F(MigratorTest, ProgressIsToldStepByStep) {
  std::vector<std::string> told;
  MigratorOptions options;
  options.progress = [&](const MigrationStep& step) { told.push_back(step.name); };

  ASSERT_TRUE(Make(kMigrations, options).Up({.to = 2, .steps = {}}).ok());

  EXPECT_THAT(told, ElementsAre("0001_make", "0002_index"));
}

TEST_F(MigratorTest, DownNeedsConsent) {
  Migrator migrator = Make(kMigrations);
  ASSERT_TRUE(migrator.Up().ok());

  const auto refused = migrator.Down({}, Consent::kNo);

  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(refused.status()), HasSubstr("--yes"));
  EXPECT_EQ(Text("SELECT to_regclass('aquifer.b') IS NOT NULL"), "t");
}

TEST_F(MigratorTest, DownTakesBackAndUpRestores) {
  Migrator migrator = Make(kMigrations);
  ASSERT_TRUE(migrator.Up().ok());

  EXPECT_THAT(NamesOf(migrator.Down({.to = 1, .steps = {}}, Consent::kYes)),
              ElementsAre("0003_more", "0002_index"));
  EXPECT_THAT(ValidIndexes(), IsEmpty());
  EXPECT_THAT(NamesOf(migrator.Up()), ElementsAre("0002_index", "0003_more"));

  EXPECT_THAT(ValidIndexes(), ElementsAre("aquifer.a_id", "aquifer.a_minus"));
}

TEST_F(MigratorTest, EveryMigrationOfTheProgramGoesUpDownUp) {
  Migrator migrator = Make(Migrations());
  std::vector<std::string> schemas;
  for (const Migration& migration : Migrations()) {
    schemas.push_back(SnapshotOf(database_));
    ASSERT_EQ(NamesOf(migrator.Up({.to = {}, .steps = 1})).size(), 1u) << NameOf(migration);
  }
  const std::string complete = SnapshotOf(database_);

  for (std::size_t i = Migrations().size(); i-- > 0;) {
    ASSERT_EQ(NamesOf(migrator.Down({}, Consent::kYes)).size(), 1u);
    // Before the first one not even the schema was there; the records' tables stay.
    if (i == 0) break;
    EXPECT_EQ(SnapshotOf(database_), schemas[i]) << NameOf(Migrations()[i]);
  }
  ASSERT_TRUE(migrator.Up().ok());

  EXPECT_EQ(SnapshotOf(database_), complete);
}

TEST_F(MigratorTest, DryRunChangesNothing) {
  Migrator migrator = Make(kMigrations);

  EXPECT_THAT(NamesOf(migrator.Up({}, Execution::kDryRun)),
              ElementsAre("0001_make", "0002_index", "0003_more"));
  EXPECT_EQ(Text("SELECT to_regnamespace('aquifer') IS NULL"), "t");

  ASSERT_TRUE(migrator.Up().ok());
  EXPECT_THAT(NamesOf(migrator.Down({}, Consent::kNo, Execution::kDryRun)),
              ElementsAre("0003_more"));
  EXPECT_EQ(Text("SELECT count(*) FROM aquifer.schema_migrations"), "3");
}

TEST_F(MigratorTest, ReadingANeverMigratedDatabaseChangesNothing) {
  Migrator migrator = Make(kMigrations);

  const auto status = migrator.Status();
  const auto history = migrator.History();

  ASSERT_TRUE(status.ok() && history.ok()) << status.status() << history.status();
  EXPECT_EQ(status->size(), 3u);
  EXPECT_EQ(status->front().record.state, MigrationState::kPending);
  EXPECT_THAT(*history, IsEmpty());
  EXPECT_EQ(Text("SELECT to_regnamespace('aquifer') IS NULL"), "t");
}

TEST_F(MigratorTest, FailedMigrationRollsBackAndIsReported) {
  const Migration bad = {2,  "bad", "CREATE TABLE aquifer.c (id integer); SELECT 1 / 0",
                         "", "c2",  true};
  const std::vector<Migration> migrations = FirstAnd(bad);
  Migrator migrator = Make(migrations);

  const auto failed = migrator.Up();

  EXPECT_THAT(MessageOf(failed.status()), HasSubstr("migration 0002_bad up failed"));
  EXPECT_THAT(MessageOf(failed.status()), HasSubstr("division by zero"));
  EXPECT_EQ(Text("SELECT to_regclass('aquifer.c') IS NULL"), "t");
  const auto status = migrator.Status();
  ASSERT_TRUE(status.ok());
  EXPECT_EQ((*status)[0].record.state, MigrationState::kApplied);
  EXPECT_EQ((*status)[1].record.state, MigrationState::kFailed);
  EXPECT_THAT(MessageOf(migrator.Validate()), HasSubstr("0002_bad failed"));
}

// Domain rule 13: an error about rows holds their values in its lines after the first, and those
// would stand in the terminal, the log and the history.
TEST_F(MigratorTest, FailureNamesTheStatementAndShowsNoValueOfARow) {
  struct Case {
    const char* sql;
    const char* says;
  };
  const Case cases[] = {
      {"CREATE TABLE aquifer.c (name text); INSERT INTO aquifer.c VALUES ('Secret'), ('Secret'); "
       "CREATE UNIQUE INDEX c_name ON aquifer.c (name)",
       "statement 3 of 3: could not create unique index \"c_name\" (SQLSTATE 23505)"},
      {"CREATE TABLE aquifer.c (name text, phone text); INSERT INTO aquifer.c VALUES ('Secret'); "
       "ALTER TABLE aquifer.c ALTER phone SET NOT NULL; SELECT 1",
       "statement 3 of 4: column \"phone\" of relation \"c\" contains null values (SQLSTATE "
       "23502)"},
      {"CREATE TABLE aquifer.c (name text NOT NULL CHECK (name <> 'Secret')); "
       "INSERT INTO aquifer.c VALUES ('Secret')",
       "statement 2 of 2: new row for relation \"c\" violates check constraint"},
      {"SELECT 'a \"Secret\"\nSecret'::integer",
       "statement 1 of 1: invalid input syntax for type integer: \"...\" (SQLSTATE 22P02)"},
      {"DO $$ BEGIN PERFORM 'Secret'::date; END $$",
       "statement 1 of 1: invalid input syntax for type date: \"...\" (SQLSTATE 22007)"},
  };
  for (const Case& bad : cases) {
    const std::vector<Migration> migrations = FirstAnd({2, "bad", bad.sql, "", "c2", true});
    Migrator migrator = Make(migrations);

    const std::string message = MessageOf(migrator.Up().status());
    const auto history = migrator.History();

    EXPECT_THAT(message, HasSubstr(bad.says));
    EXPECT_THAT(message, Not(HasSubstr("Secret")));
    ASSERT_TRUE(history.ok()) << history.status();
    EXPECT_THAT(history->front().error, HasSubstr(bad.says));
    EXPECT_THAT(history->front().error, Not(HasSubstr("Secret")));
  }
}

TEST_F(MigratorTest, FailedMigrationIsTriedAgainWithItsCorrectedText) {
  const std::vector<Migration> bad = FirstAnd({2, "later", "SELECT 1 / 0", "", "c2", true});
  ASSERT_FALSE(Make(bad).Up().ok());

  const std::vector<Migration> good =
      FirstAnd({2, "later", "CREATE TABLE aquifer.c (id integer)", "", "c2b", true});
  EXPECT_THAT(NamesOf(Make(good).Up()), ElementsAre("0002_later"));

  EXPECT_TRUE(Make(good).Validate().ok());
}

TEST_F(MigratorTest, HistoryKeepsEveryRunNewestFirst) {
  MigratorOptions options;
  options.applied_by = "tester";
  const std::vector<Migration> bad = FirstAnd({2, "bad", "SELECT 1 / 0", "", "c2", true});
  Migrator migrator = Make(bad, options);
  ASSERT_FALSE(migrator.Up().ok());
  ASSERT_TRUE(migrator.Down({}, Consent::kYes).ok());

  const auto history = migrator.History();

  ASSERT_TRUE(history.ok()) << history.status();
  ASSERT_EQ(history->size(), 3u);
  EXPECT_EQ((*history)[0].direction, MigrationDirection::kDown);
  EXPECT_EQ((*history)[1].name, "bad");
  EXPECT_FALSE((*history)[1].succeeded);
  EXPECT_THAT((*history)[1].error, HasSubstr("division by zero"));
  EXPECT_TRUE((*history)[2].succeeded);
  EXPECT_EQ((*history)[2].applied_by, "tester");
}

TEST_F(MigratorTest, EditedMigrationStopsUp) {
  ASSERT_TRUE(Make(kMigrations).Up({.to = 1, .steps = {}}).ok());
  std::vector<Migration> edited(std::begin(kMigrations), std::end(kMigrations));
  edited[0].checksum = "other";

  const auto refused = Make(edited).Up();

  EXPECT_THAT(MessageOf(refused.status()), HasSubstr("0001_make"));
  EXPECT_EQ(Text("SELECT count(*) FROM aquifer.schema_migrations"), "1");
}

TEST_F(MigratorTest, ConcurrentUpMigratesOnce) {
  constexpr int kInstances = 4;
  std::vector<absl::StatusOr<std::vector<MigrationStep>>> answers(kInstances);
  std::vector<std::thread> instances;
  for (auto& answer : answers) {
    instances.emplace_back([&] { answer = Make(kMigrations).Up(); });
  }
  for (std::thread& instance : instances) instance.join();

  std::size_t steps = 0;
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer.ok()) << answer.status();
    steps += answer->size();
  }
  EXPECT_EQ(steps, 3u);
  EXPECT_EQ(Text("SELECT count(*) FROM aquifer.schema_migration_history"), "3");
}

TEST_F(MigratorTest, WaitForAnotherInstanceEndsAtTheDeadline) {
  std::string waited;
  MigratorOptions options;
  // Runs while the lock is held.
  options.progress = [&](const MigrationStep& step) {
    if (step.version == 1) waited = MessageOf(Make(kMigrations, Impatient()).Up().status());
  };

  ASSERT_TRUE(Make(kMigrations, options).Up().ok());

  EXPECT_THAT(waited, HasSubstr("another instance (process "));
}

TEST_F(MigratorTest, LockedTableIsGivenUpWithAReport) {
  ASSERT_TRUE(Make(kMigrations).Up({.to = 1, .steps = {}}).ok());
  pqxx::connection other(database_.url());
  pqxx::work holder(other);
  holder.exec("LOCK TABLE aquifer.a");
  const std::vector<Migration> migrations =
      FirstAnd({2, "alter", "ALTER TABLE aquifer.a ADD COLUMN x integer", "", "c2", true});

  const auto refused = Make(migrations, Impatient()).Up();

  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(MessageOf(refused.status()), HasSubstr("lock timeout"));
}

TEST_F(MigratorTest, LockedTableIsTriedAgain) {
  ASSERT_TRUE(Make(kMigrations).Up({.to = 1, .steps = {}}).ok());
  pqxx::connection other(database_.url());
  auto holder = std::make_unique<pqxx::work>(other);
  holder->exec("LOCK TABLE aquifer.a");
  const std::vector<Migration> migrations =
      FirstAnd({2, "alter", "ALTER TABLE aquifer.a ADD COLUMN x integer", "", "c2", true});
  MigratorOptions options = Impatient();
  options.lock_attempts = 1000;
  absl::StatusOr<std::vector<MigrationStep>> answer;
  std::thread migrating([&] { answer = Make(migrations, options).Up(); });

  // Let go once it is seen to wait.
  EXPECT_TRUE(
      Eventually([&] { return Text("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0"; }));
  holder.reset();
  migrating.join();

  EXPECT_THAT(NamesOf(answer), ElementsAre("0002_alter"));
}

TEST_F(MigratorTest, InvalidIndexIsRebuilt) {
  ASSERT_TRUE(Make(kMigrations).Up({.to = 1, .steps = {}}).ok());
  database_.Execute("INSERT INTO aquifer.a VALUES (1)");
  EXPECT_THROW(database_.Execute("CREATE UNIQUE INDEX CONCURRENTLY a_id ON aquifer.a (id)"),
               pqxx::sql_error);
  ASSERT_THAT(ValidIndexes(), IsEmpty());

  EXPECT_THAT(NamesOf(Make(kMigrations).Up()), ElementsAre("0002_index", "0003_more"));

  EXPECT_THAT(ValidIndexes(), ElementsAre("aquifer.a_id", "aquifer.a_minus"));
}

TEST_F(MigratorTest, MigrationOutsideATransactionGoesOnAfterItsSessionWasKilled) {
  ASSERT_TRUE(Make(kMigrations).Up({.to = 1, .steps = {}}).ok());
  pqxx::connection other(database_.url());
  auto reader = std::make_unique<pqxx::work>(other);
  // The build of the first index waits for this transaction, which may still use the table.
  reader->exec("INSERT INTO aquifer.a VALUES (3)");
  absl::StatusOr<std::vector<MigrationStep>> answer;
  std::thread migrating([&] { answer = Make(kMigrations).Up(); });
  const char* kill_builder =
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
      "WHERE query LIKE '%CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock' "
      "AND pid <> pg_backend_pid()";
  EXPECT_TRUE(Eventually([&] { return Text(kill_builder) != "0"; }));
  migrating.join();
  reader.reset();

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable) << answer.status();
  const auto status = Make(kMigrations).Status();
  ASSERT_TRUE(status.ok());
  EXPECT_EQ((*status)[1].record.state, MigrationState::kApplying);

  EXPECT_THAT(NamesOf(Make(kMigrations).Up()), ElementsAre("0002_index", "0003_more"));
  EXPECT_THAT(ValidIndexes(), ElementsAre("aquifer.a_id", "aquifer.a_minus"));
}

TEST_F(MigratorTest, WindowNamesWhatIsMissing) {
  Migrator migrator = Make(kMigrations);
  const SchemaWindow window = AcceptedWindow(kMigrations);

  const absl::Status never = migrator.CheckWindow(window);
  ASSERT_TRUE(migrator.Up({.to = 2, .steps = {}}).ok());
  const absl::Status partly = migrator.CheckWindow(window);
  ASSERT_TRUE(migrator.Up().ok());

  EXPECT_EQ(ReasonOf(never), "SCHEMA_MISMATCH");
  EXPECT_THAT(MessageOf(never), HasSubstr("0001_make"));
  EXPECT_THAT(MessageOf(partly), HasSubstr("0003_more"));
  EXPECT_TRUE(migrator.CheckWindow(window).ok()) << migrator.CheckWindow(window);
}

TEST_F(MigratorTest, OlderProgramLeavesANewerSchemaAlone) {
  ASSERT_TRUE(Make(kMigrations).Up().ok());
  const absl::Span<const Migration> older = absl::MakeSpan(kMigrations).subspan(0, 1);

  EXPECT_THAT(NamesOf(Make(older).Up()), IsEmpty());
  EXPECT_TRUE(Make(older).CheckWindow(AcceptedWindow(older)).ok());
  EXPECT_FALSE(Make(older).CheckWindow({.min = 1, .max = 2}).ok());
  EXPECT_THAT(MessageOf(Make(older).Down({}, Consent::kYes).status()), HasSubstr("not known"));
}

TEST_F(MigratorTest, UnreachableDatabaseIsReported) {
  ConnectionSettings settings;
  settings.url = "postgresql:///aquifer?host=/nonexistent";

  const auto refused = Migrator(settings, kMigrations).Up();

  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable) << refused.status();
}

}  // namespace
}  // namespace aquifer
