// `aquifer-server migrate ...` as an operator runs it: what it prints, and its exit code.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "repositories/migrations.h"
#include "server/database/schema_state.h"
#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string Newest() { return NameOf(Migrations().back()); }

std::string Count() { return absl::StrCat(Migrations().size()); }

class MigrateCommandTest : public ::testing::Test {
 protected:
  // On the test's database.
  ServerRun Migrate(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "migrate");
    return RunServer({arguments, {absl::StrCat("DATABASE_URL=", database_.url())}});
  }

  std::string Runs() {
    return database_.Execute("SELECT count(*) FROM aquifer.schema_migration_history")[0][0].c_str();
  }

  bool HasSchema() {
    return !database_.Execute("SELECT 1 FROM pg_namespace WHERE nspname = 'aquifer'").empty();
  }

  TestDatabase database_{Schema::kEmpty};
};

TEST_F(MigrateCommandTest, UpShowsEachStepAndTheSecondTimeHasNothingToDo) {
  const ServerRun first = Migrate({"up"});
  const ServerRun second = Migrate({"up"});

  EXPECT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_THAT(first.output, StartsWith(absl::StrCat("up    ", NameOf(Migrations().front()))));
  EXPECT_THAT(first.output, HasSubstr(absl::StrCat("up    ", Newest())));
  EXPECT_THAT(first.output, HasSubstr(absl::StrCat("\n", Count(), " done.\n")));
  EXPECT_EQ(second.exit_code, 0) << second.errors;
  EXPECT_EQ(second.output, "Nothing to do.\n");
}

TEST_F(MigrateCommandTest, DryRunTellsAndChangesNothing) {
  const ServerRun run = Migrate({"up", "--dry-run"});

  EXPECT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_THAT(run.output, HasSubstr(absl::StrCat(Newest(), "  (not run)\n")));
  EXPECT_THAT(run.output, HasSubstr(absl::StrCat(Count(), " to run; nothing was changed.\n")));
  EXPECT_FALSE(HasSchema());
}

TEST_F(MigrateCommandTest, DownIsRefusedWithoutYes) {
  ASSERT_EQ(Migrate({"up"}).exit_code, 0);

  const ServerRun refused = Migrate({"down"});
  const ServerRun looked_at = Migrate({"down", "--dry-run"});

  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, IsEmpty());
  EXPECT_THAT(refused.errors, StartsWith("FAILED: going back drops tables and the data in them"));
  EXPECT_THAT(refused.errors, HasSubstr("--yes"));
  EXPECT_EQ(looked_at.exit_code, 0) << looked_at.errors;
  EXPECT_THAT(looked_at.output, HasSubstr(absl::StrCat("down  ", Newest(), "  (not run)")));
  EXPECT_EQ(Runs(), Count());
}

TEST_F(MigrateCommandTest, DownTakesOneBackAndStatusAndHistoryShowIt) {
  ASSERT_EQ(Migrate({"up"}).exit_code, 0);

  const ServerRun down = Migrate({"down", "--yes"});
  const ServerRun status = Migrate({"status"});
  const ServerRun history = Migrate({"history"});

  EXPECT_EQ(down.exit_code, 0) << down.errors;
  EXPECT_THAT(down.output, HasSubstr(absl::StrCat("down  ", Newest())));
  EXPECT_THAT(down.output, HasSubstr("1 done.\n"));
  EXPECT_EQ(status.exit_code, 0) << status.errors;
  EXPECT_THAT(status.output, HasSubstr("pending"));
  EXPECT_THAT(status.output,
              HasSubstr(absl::StrCat(Migrations().size() - 1, " of ", Count(), " applied.\n")));
  EXPECT_EQ(history.exit_code, 0) << history.errors;
  const std::vector<std::string> lines = absl::StrSplit(history.output, '\n');
  EXPECT_THAT(lines[0], HasSubstr("  down  "));
  EXPECT_THAT(lines[1], HasSubstr("  up    "));
}

TEST_F(MigrateCommandTest, ReadsADatabaseThatWasNeverMigrated) {
  const ServerRun status = Migrate({"status"});
  const ServerRun history = Migrate({"history"});

  EXPECT_EQ(status.exit_code, 0) << status.errors;
  EXPECT_THAT(status.output, HasSubstr(absl::StrCat("0 of ", Count(), " applied.\n")));
  EXPECT_EQ(history.exit_code, 0) << history.errors;
  EXPECT_EQ(history.output, "No migration was ever run.\n");
  EXPECT_FALSE(HasSchema());
}

TEST_F(MigrateCommandTest, ValidateFindsAnEditedMigration) {
  ASSERT_EQ(Migrate({"up"}).exit_code, 0);
  const ServerRun before = Migrate({"validate"});
  database_.Execute("UPDATE aquifer.schema_migrations SET checksum = 'other' WHERE version = 1");

  const ServerRun after = Migrate({"validate"});

  EXPECT_EQ(before.exit_code, 0) << before.errors;
  EXPECT_EQ(before.output, "Every applied migration is this program's.\n");
  EXPECT_EQ(after.exit_code, 1);
  EXPECT_THAT(after.errors, HasSubstr(NameOf(Migrations().front())));
  EXPECT_THAT(after.errors, HasSubstr("an applied migration must not be edited"));
}

TEST_F(MigrateCommandTest, CreateWritesTwoFilesAndNeedsNoDatabase) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() + "/index.txt") << "0001_first\n";

  const ServerRun run =
      RunServer({{"migrate", "create", "add_shifts", "--dir", directory.path()}, {}});

  EXPECT_EQ(run.exit_code, 0) << run.errors;
  const std::string up = directory.path() + "/0002_add_shifts.up.sql";
  const std::string down = directory.path() + "/0002_add_shifts.down.sql";
  EXPECT_EQ(run.output, absl::StrCat(up, "\n", down, "\n"));
  EXPECT_TRUE(std::filesystem::exists(up));
  EXPECT_TRUE(std::filesystem::exists(down));
}

TEST_F(MigrateCommandTest, TwoProcessesAtOnceMigrateOnce) {
  ServerRun runs[2];
  std::thread other([&] { runs[1] = Migrate({"up"}); });
  runs[0] = Migrate({"up"});
  other.join();

  for (const ServerRun& run : runs) EXPECT_EQ(run.exit_code, 0) << run.errors;
  // One did it all, and the other, which waited, nothing.
  const std::string all = absl::StrCat(Count(), " done.\n");
  const ServerRun& worker = runs[0].output == "Nothing to do.\n" ? runs[1] : runs[0];
  const ServerRun& idler = &worker == &runs[0] ? runs[1] : runs[0];
  EXPECT_THAT(worker.output, HasSubstr(all));
  EXPECT_EQ(idler.output, "Nothing to do.\n");
  EXPECT_EQ(Runs(), Count());
}

TEST_F(MigrateCommandTest, LookingMakesNoDataDirectory) {
  TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  const std::vector<std::vector<std::string>> looks = {
      {"status"}, {"history"}, {"validate"}, {"up", "--dry-run"}, {"down", "--yes"}};
  for (std::vector<std::string> arguments : looks) {
    arguments.insert(arguments.begin(), "migrate");
    arguments.insert(arguments.end(), {"--data-dir", data});

    const ServerRun run = RunServer({arguments, {}});

    EXPECT_EQ(run.exit_code, 0) << run.errors;
    EXPECT_THAT(run.output,
                StartsWith(absl::StrCat("Nothing there yet: no database in ", data, ".")));
    EXPECT_FALSE(std::filesystem::exists(data)) << arguments[1];
  }
}

TEST_F(MigrateCommandTest, WorksBesideARunningServerAndWithoutOne) {
  TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  const ServerRun up = RunServer({{"migrate", "up", "--data-dir", data}, {}});
  ServerProcess server({"--data-dir", data, "--shutdown-notice-ms", "0"});
  ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();

  const ServerRun beside = RunServer({{"migrate", "status", "--data-dir", data}, {}});
  server.Signal(SIGTERM);
  ASSERT_EQ(server.AwaitExit(), 0);
  const ServerRun alone = RunServer({{"migrate", "status", "--data-dir", data}, {}});

  const std::string all = absl::StrCat(Count(), " of ", Count(), " applied.\n");
  EXPECT_EQ(up.exit_code, 0) << up.errors;
  EXPECT_THAT(up.output, HasSubstr(absl::StrCat(Count(), " done.\n")));
  EXPECT_EQ(beside.exit_code, 0) << beside.errors;
  EXPECT_THAT(beside.output, HasSubstr(all));
  EXPECT_EQ(alone.exit_code, 0) << alone.errors;
  EXPECT_THAT(alone.output, HasSubstr(all));
}

TEST_F(MigrateCommandTest, UnreachableDatabaseIsAClearLine) {
  const ServerRun run =
      RunServer({{"migrate", "status"}, {"DATABASE_URL=postgresql://me:hunter2@127.0.0.1:1/x"}});

  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.errors, StartsWith("FAILED: the database cannot be reached: connection to "
                                     "server at \"127.0.0.1\", port 1 failed: Connection refused"));
  EXPECT_THAT(run.errors, Not(HasSubstr("hunter2")));
}

// The server's own part in it.

TEST_F(MigrateCommandTest, ServerThatMayNotMigrateNamesTheMissingMigrationAndStops) {
  ASSERT_EQ(Migrate({"up"}).exit_code, 0);
  ASSERT_EQ(Migrate({"down", "--yes"}).exit_code, 0);

  ServerProcess server({"--database-url", database_.url(), "--migrate-at-start", "false"});

  EXPECT_EQ(server.AwaitExit(), 1);
  EXPECT_THAT(server.Log(), HasSubstr(absl::StrCat("aquifer-server: migration ", Newest(),
                                                   " is missing in the database: run "
                                                   "aquifer-server migrate up\n")));
  EXPECT_THAT(server.Output(), Not(HasSubstr("serving on")));
}

TEST_F(MigrateCommandTest, ServerRefusesASchemaOfANewerProgram) {
  ASSERT_EQ(Migrate({"up"}).exit_code, 0);
  database_.Execute(
      "INSERT INTO aquifer.schema_migrations VALUES (999, 'later', 'x', 'applied', now(), now(), "
      "1, 'a newer one')");

  ServerProcess server({"--database-url", database_.url()});

  EXPECT_EQ(server.AwaitExit(), 1);
  EXPECT_THAT(server.Log(), HasSubstr("the database has schema version 999"));
  EXPECT_THAT(server.Log(), HasSubstr("deploy a newer server"));
}

TEST_F(MigrateCommandTest, TwoServersOnAnEmptyDatabaseMigrateOnceAndBothServe) {
  ServerProcess first({"--database-url", database_.url()});
  ServerProcess second({"--database-url", database_.url()});

  ASSERT_TRUE(first.AwaitServing()) << first.Output() << first.Log();
  ASSERT_TRUE(second.AwaitServing()) << second.Output() << second.Log();

  EXPECT_EQ(Runs(), Count());
  for (ServerProcess* server : {&first, &second}) {
    grpc::ClientContext context;
    v1::GetCollectionRequest request;
    request.set_id(1);
    v1::GetCollectionResponse response;
    EXPECT_EQ(v1::CollectionRepository::NewStub(server->Channel())
                  ->GetCollection(&context, request, &response)
                  .error_code(),
              grpc::StatusCode::NOT_FOUND);
  }
}

}  // namespace
}  // namespace aquifer::testing
