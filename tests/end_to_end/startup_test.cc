// A start that something is wrong with: the exit code, and one clear line.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string PortOf(const std::string& address) { return address.substr(address.rfind(':') + 1); }

int CountOf(const std::string& text, absl::string_view words) {
  return static_cast<int>(std::vector<std::string>(absl::StrSplit(text, words)).size()) - 1;
}

TEST(StartupTest, WrongCommandLineNamesEveryProblemAndExitsWithTwo) {
  const ServerRun run = RunServer({{"serve", "--prot", "1", "--pool-max", "0"},
                                   {"AQUIFER_POOL_MAXX=3", "AQUIFER_LOG_LEVEL=loud"}});

  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.output, IsEmpty());
  EXPECT_THAT(run.errors,
              HasSubstr("aquifer-server: --prot is no flag here; did you mean --port?\n"));
  EXPECT_THAT(run.errors, HasSubstr("aquifer-server: AQUIFER_POOL_MAXX is no setting; did you mean "
                                    "AQUIFER_POOL_MAX?\n"));
  EXPECT_THAT(run.errors, HasSubstr("aquifer-server: AQUIFER_LOG_LEVEL is \"loud\"; allowed: "));
  EXPECT_THAT(run.errors, HasSubstr("aquifer-server: --pool-max is \"0\"; allowed: "));
}

TEST(StartupTest, MalformedDatabaseUrlIsRefusedWithoutShowingIt) {
  for (const char* url : {"postgresql://me:hunter2@[::1/fleet", "mysql://me:hunter2@db/fleet",
                          "postgresql://me:hunter2/3@db/fleet"}) {
    const ServerRun run = RunServer({{"serve"}, {absl::StrCat("DATABASE_URL=", url)}});

    EXPECT_EQ(run.exit_code, 2) << url;
    EXPECT_THAT(run.errors, StartsWith("aquifer-server: DATABASE_URL is not accepted; allowed: "));
    EXPECT_THAT(run.errors, Not(HasSubstr("hunter2")));
  }
}

TEST(StartupTest, ConfigShowsWhatIsInForceWithoutThePassword) {
  const ServerRun run = RunServer(
      {{"config", "--pool-max", "7"},
       {"DATABASE_URL=postgresql://me:hunter2@db/fleet?sslmode=require", "AQUIFER_PORT=50077"}});

  EXPECT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_THAT(run.output, Not(HasSubstr("hunter2")));
  EXPECT_THAT(run.output, HasSubstr("@db/fleet?sslmode=require"));
  EXPECT_THAT(run.output, HasSubstr("50077"));
  EXPECT_THAT(run.errors, IsEmpty());
}

TEST(StartupTest, VersionAndEveryHelpExitWithZero) {
  const std::vector<std::vector<std::string>> commands = {
      {"version"},
      {"--version"},
      {"--help"},
      {"serve", "--help"},
      {"config", "--help"},
      {"docs", "--help"},
      {"docs", "options"},
      {"migrate", "--help"},
      {"migrate", "up", "--help"},
      {"migrate", "down", "--help"},
      {"migrate", "status", "--help"},
      {"migrate", "history", "--help"},
      {"migrate", "validate", "--help"},
      {"migrate", "create", "--help"},
  };
  for (const std::vector<std::string>& command : commands) {
    const ServerRun run = RunServer({command, {}});

    EXPECT_EQ(run.exit_code, 0) << command.back() << run.errors;
    EXPECT_THAT(run.output, Not(IsEmpty()));
    EXPECT_THAT(run.errors, IsEmpty());
  }
}

TEST(StartupTest, CommandsThatAreIncompleteExitWithTwo) {
  const std::vector<std::vector<std::string>> commands = {{"migrate"},
                                                          {"migrate", "sideways"},
                                                          {"migrate", "create"},
                                                          {"migrate", "up", "--to", "-1"},
                                                          {"docs"},
                                                          {"server"}};
  for (const std::vector<std::string>& command : commands) {
    const ServerRun run = RunServer({command, {}});

    EXPECT_EQ(run.exit_code, 2) << command.back();
    EXPECT_THAT(run.output, IsEmpty());
    EXPECT_THAT(run.errors, StartsWith("aquifer-server: "));
  }
}

TEST(StartupTest, UnknownTimeZoneStopsTheStartAndNamesTheSetting) {
  TestDatabase database;

  ServerProcess server({"--database-url", database.url(), "--time-zone", "Europe/Atlantis"});

  EXPECT_EQ(server.AwaitExit(), 1);
  EXPECT_THAT(server.Log(), HasSubstr("aquifer-server: the database does not know the time_zone "
                                      "Europe/Atlantis"));
}

TEST(StartupTest, RefusedRoleIsToldOnceAndTriedAgainUntilItIsThere) {
  TestDatabase database;
  ServerProcess server({"--database-url", absl::StrCat(database.url(), "&user=late_role")});
  ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
  EXPECT_THAT(server.Output(), HasSubstr("database  not ready yet: the database refuses the "
                                         "server's role or password: "));
  grpc::ClientContext context;
  v1::GetCollectionRequest request;
  request.set_id(1);
  v1::GetCollectionResponse response;
  const grpc::Status status = v1::CollectionRepository::NewStub(server.Channel())
                                  ->GetCollection(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status)->reason(), "DATABASE_REFUSED");

  database.Execute("CREATE ROLE late_role SUPERUSER LOGIN");

  EXPECT_TRUE(server.AwaitLog("database_ready"));
  EXPECT_EQ(CountOf(server.Log(), "\"event\":\"database_not_ready\""), 1) << server.Log();
  server.Signal(SIGKILL);
  server.AwaitExit();
  database.Execute("DROP OWNED BY late_role CASCADE; DROP ROLE late_role");
}

TEST(StartupTest, AbsentDatabaseIsToldOnceAndTheServerStopsCleanly) {
  ServerProcess server(
      {"--database-url", "postgresql://127.0.0.1:1/fleet", "--shutdown-notice-ms", "0"});
  ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
  EXPECT_THAT(server.Output(), HasSubstr("database  not ready yet: the database cannot be reached: "
                                         "connection to server at \"127.0.0.1\", port 1 failed"));
  {
    // An idle client of gRPC's answers the server's goodbye up to 5 s late, so it leaves first.
    grpc::ClientContext context;
    v1::GetStatusResponse status;
    EXPECT_TRUE(v1::Admin::NewStub(server.Channel())->GetStatus(&context, {}, &status).ok());
  }

  server.Signal(SIGTERM);

  EXPECT_EQ(server.AwaitExit(), 0);
  EXPECT_EQ(CountOf(server.Log(), "\"event\":\"database_not_ready\""), 1) << server.Log();
}

TEST(StartupTest, DataDirectoryThatCannotBeMadeIsNamed) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() + "/file") << "";
  const std::string data = directory.path() + "/file/data";

  ServerProcess server({"--data-dir", data});

  EXPECT_EQ(server.AwaitExit(), 1);
  EXPECT_THAT(server.Log(), HasSubstr(absl::StrCat("aquifer-server: data directory ", data,
                                                   " cannot be made: ")));
}

TEST(StartupTest, ForeignDataDirectoryIsNamedAndLeftAlone) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() + "/diary.txt") << "dear diary";

  ServerProcess server({"--data-dir", directory.path()});

  EXPECT_EQ(server.AwaitExit(), 1);
  EXPECT_THAT(server.Log(),
              HasSubstr(absl::StrCat("aquifer-server: data directory ", directory.path(), " ")));
  std::string text;
  std::getline(std::ifstream(directory.path() + "/diary.txt"), text);
  EXPECT_EQ(text, "dear diary");
}

TEST(StartupTest, MissingPostgresProgramsAreNamed) {
  TemporaryDirectory directory;

  ServerProcess server(
      {"--data-dir", directory.path() + "/data", "--postgres-bindir", directory.path()});

  EXPECT_EQ(server.AwaitExit(), 1);
  EXPECT_THAT(server.Log(),
              HasSubstr(absl::StrCat("aquifer-server: postgres_bindir ", directory.path(),
                                     " does not hold the programs "
                                     "postgres and initdb")));
}

TEST(StartupTest, TakenHealthPortIsAClearLine) {
  TestDatabase database;
  ServerProcess first({"--database-url", database.url()});
  ASSERT_TRUE(first.AwaitServing()) << first.Output() << first.Log();
  const std::string taken = first.health_address();

  ServerProcess second({"--database-url", database.url(), "--health-port", PortOf(taken)});

  EXPECT_EQ(second.AwaitExit(), 1);
  EXPECT_THAT(second.Log(), HasSubstr(absl::StrCat("aquifer-server: cannot listen on ", taken)));
}

TEST(StartupTest, SignalEndsAStartThatWaitsForADatabase) {
  // Takes connections and says nothing.
  const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(silent, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(listen(silent, 8), 0);
  ServerProcess server(
      {"--connect-timeout-ms", "300000", "--database-url",
       absl::StrCat("postgresql://me@127.0.0.1:", ntohs(address.sin_port), "/fleet")});
  pollfd asked = {silent, POLLIN, 0};
  ASSERT_EQ(poll(&asked, 1, 30000), 1);

  server.Signal(SIGINT);

  EXPECT_EQ(server.AwaitExit(absl::Seconds(30)), 128 + SIGINT);
  close(silent);
}

}  // namespace
}  // namespace aquifer::testing
