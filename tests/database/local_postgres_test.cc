#include "server/database/local_postgres.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <pqxx/pqxx>
#include <thread>

#include "server/database/child_process.h"
#include "server/database/whole_file.h"
#include "tests/testing/eventually.h"
#include "tests/testing/small_disk.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer {
namespace {

namespace fs = std::filesystem;

using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SmallDisk;
using ::testing::StartsWith;
using testing::TemporaryDirectory;

constexpr char kVictimDirectory[] = "AQUIFER_TEST_VICTIM_DIRECTORY";

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

class LocalPostgresTest : public ::testing::Test {
 protected:
  LocalPostgresOptions Options(const std::string& name = "data") const {
    LocalPostgresOptions options;
    options.data_dir = directory_.path() + "/" + name;
    options.durability = Durability::kNone;
    return options;
  }

  std::unique_ptr<LocalPostgres> MustStart(const LocalPostgresOptions& options) {
    auto started = LocalPostgres::Start(options, log_);
    EXPECT_TRUE(started.ok()) << started.status();
    return started.ok() ? *std::move(started) : nullptr;
  }

  absl::Status StartFails(const LocalPostgresOptions& options) {
    auto started = LocalPostgres::Start(options, log_);
    EXPECT_FALSE(started.ok());
    return started.status();
  }

  Log log_{LogLevel::kOff};
  TemporaryDirectory directory_;
};

void WriteScript(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  fs::permissions(path, fs::perms(0755));
}

std::string Ask(const LocalPostgres& postgres, const std::string& sql) {
  pqxx::connection connection(postgres.url());
  const pqxx::result result = pqxx::nontransaction(connection).exec(sql);
  return result.empty() ? "" : result[0][0].c_str();
}

bool Reachable(const std::string& url) {
  try {
    pqxx::connection connection(url);
    pqxx::nontransaction(connection).exec("SELECT 1");
    return true;
  } catch (const pqxx::failure&) {
    return false;
  }
}

bool IsAlive(pid_t pid) { return kill(pid, 0) == 0; }

TEST_F(LocalPostgresTest, DataSurvivesARestart) {
  auto postgres = MustStart(Options());
  ASSERT_NE(postgres, nullptr);
  Ask(*postgres, "CREATE TABLE t AS SELECT 42 AS answer");
  const std::string url = postgres->url();
  postgres.reset();

  postgres = MustStart(Options());

  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(postgres->url(), url);
  EXPECT_EQ(Ask(*postgres, "SELECT answer FROM t"), "42");
}

TEST_F(LocalPostgresTest, StopLeavesNoProcessAndNoLock) {
  auto postgres = MustStart(Options());
  ASSERT_NE(postgres, nullptr);
  const pid_t pid = postgres->pid();
  // An open transaction does not hold it up.
  pqxx::connection connection(postgres->url());
  pqxx::work transaction(connection);
  transaction.exec("SELECT 1");

  postgres->Stop();

  EXPECT_EQ(postgres->pid(), 0);
  EXPECT_FALSE(IsAlive(pid));
  EXPECT_FALSE(fs::exists(Options().data_dir + "/postgres/postmaster.pid"));
}

TEST_F(LocalPostgresTest, IsReachableByItsAccountAlone) {
  const auto postgres = MustStart(Options());
  ASSERT_NE(postgres, nullptr);

  struct stat socket_directory;
  ASSERT_EQ(stat(postgres->directory().socket_directory().c_str(), &socket_directory), 0);
  EXPECT_EQ(socket_directory.st_mode & 0777, 0700u);
  EXPECT_EQ(Ask(*postgres, "SHOW listen_addresses"), "");
  EXPECT_EQ(Ask(*postgres, "SHOW server_encoding"), "UTF8");
}

TEST_F(LocalPostgresTest, FsyncIsOnUnlessATestTurnsItOff) {
  LocalPostgresOptions options = Options();
  options.durability = Durability::kSafe;
  const auto postgres = MustStart(options);
  ASSERT_NE(postgres, nullptr);

  EXPECT_EQ(Ask(*postgres, "SHOW fsync"), "on");
  EXPECT_EQ(Ask(*postgres, "SHOW synchronous_commit"), "on");
  EXPECT_EQ(Ask(*postgres, "SHOW full_page_writes"), "on");
}

TEST_F(LocalPostgresTest, ValuesOfRowsStayOutOfTheLog) {
  auto postgres = MustStart(Options());
  ASSERT_NE(postgres, nullptr);
  Ask(*postgres, "CREATE TABLE t (phone text PRIMARY KEY)");
  Ask(*postgres, "INSERT INTO t VALUES ('+380501112233')");
  EXPECT_THROW(Ask(*postgres, "INSERT INTO t VALUES ('+380501112233')"), pqxx::sql_error);
  postgres.reset();

  std::string logs;
  for (const auto& entry : fs::directory_iterator(Options().data_dir + "/log")) {
    logs += ReadWhole(entry.path());
  }

  EXPECT_THAT(logs, HasSubstr("duplicate key"));
  EXPECT_THAT(logs, Not(HasSubstr("+380501112233")));
}

TEST_F(LocalPostgresTest, KilledPostmasterIsStartedAgainWithItsData) {
  LocalPostgresOptions options = Options();
  options.durability = Durability::kSafe;
  const auto postgres = MustStart(options);
  ASSERT_NE(postgres, nullptr);
  Ask(*postgres, "CREATE TABLE t AS SELECT 42 AS answer");
  const pid_t first = postgres->pid();

  kill(first, SIGKILL);

  EXPECT_TRUE(Eventually([&] { return postgres->restarts() == 1; }));
  EXPECT_TRUE(Reachable(postgres->url()));
  EXPECT_NE(postgres->pid(), first);
  EXPECT_EQ(Ask(*postgres, "SELECT answer FROM t"), "42");
}

TEST_F(LocalPostgresTest, BusyBackendOfAKilledPostmasterDoesNotHoldUpTheNext) {
  const auto postgres = MustStart(Options());
  ASSERT_NE(postgres, nullptr);
  pqxx::connection connection(postgres->url());
  const int backend = connection.backendpid();
  std::thread busy([&] {
    // Computes without looking whether its postmaster lives.
    EXPECT_THROW(
        pqxx::nontransaction(connection)
            .exec(
                "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b"),
        pqxx::failure);
  });
  EXPECT_TRUE(Eventually([&] {
    return Ask(*postgres, absl::StrCat("SELECT state FROM pg_stat_activity WHERE pid = ",
                                       backend)) == "active";
  }));

  kill(postgres->pid(), SIGKILL);
  busy.join();

  EXPECT_TRUE(Eventually([&] { return postgres->restarts() == 1; }));
  EXPECT_TRUE(Reachable(postgres->url()));
}

TEST_F(LocalPostgresTest, SecondServerIsRefused) {
  const auto postgres = MustStart(Options());

  const absl::Status refused = StartFails(Options());

  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(MessageOf(refused), HasSubstr(absl::StrCat("(process ", getpid(), ")")));
  EXPECT_EQ(*LocalPostgres::UrlOfRunning(Options().data_dir), postgres->url());
}

TEST_F(LocalPostgresTest, ForeignDirectoryIsRefusedAndLeftAlone) {
  fs::create_directory(Options().data_dir);
  std::ofstream(Options().data_dir + "/thesis.txt") << "mine";

  const absl::Status refused = StartFails(Options());

  EXPECT_THAT(MessageOf(refused),
              HasSubstr(Options().data_dir + " is not empty and not Aquifer's"));
  EXPECT_EQ(std::distance(fs::directory_iterator(Options().data_dir), fs::directory_iterator()), 1);
}

TEST_F(LocalPostgresTest, DirectoryOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  fs::create_directory(Options().data_dir);
  ASSERT_EQ(chown(Options().data_dir.c_str(), 12345, 12345), 0);

  EXPECT_THAT(MessageOf(StartFails(Options())), HasSubstr("belongs to user id 12345"));
}

TEST_F(LocalPostgresTest, DirectoryOfANewerFormatIsRefused) {
  MustStart(Options());
  std::ofstream(Options().data_dir + "/aquifer.data") << "Aquifer data directory, format 2\n";

  EXPECT_THAT(MessageOf(StartFails(Options())), HasSubstr("has format 2 of a newer Aquifer"));
}

TEST_F(LocalPostgresTest, UnreachableDirectoryIsNamed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root runs PostgreSQL as somebody else";
  fs::create_directory(directory_.path() + "/closed");
  fs::permissions(directory_.path() + "/closed", fs::perms(0700));

  const absl::Status refused = StartFails(Options("closed/data"));

  EXPECT_THAT(MessageOf(refused), HasSubstr("cannot enter " + directory_.path() + "/closed "));
}

TEST_F(LocalPostgresTest, MissingProgramsAreNamed) {
  LocalPostgresOptions options = Options();
  options.bindir = directory_.path();

  EXPECT_THAT(MessageOf(StartFails(options)),
              HasSubstr("postgres_bindir " + directory_.path() + " does not hold"));
}

TEST_F(LocalPostgresTest, DataOfAMissingVersionNamesItsPackage) {
  if (fs::exists(std::string(kPostgresRoot) + "/14")) GTEST_SKIP() << "version 14 is installed";
  MustStart(Options());
  std::ofstream(Options().data_dir + "/postgres/PG_VERSION") << "14\n";

  EXPECT_THAT(MessageOf(StartFails(Options())), HasSubstr("apt-get install --yes postgresql-14"));
}

TEST_F(LocalPostgresTest, FailedStartShowsTheLog) {
  MustStart(Options());
  fs::remove(Options().data_dir + "/postgres/global/pg_control");

  const absl::Status failed = StartFails(Options());

  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(MessageOf(failed), HasSubstr("pg_control"));
}

// A postmaster that takes connections and never answers them.
TEST_F(LocalPostgresTest, HungPostmasterDoesNotOutlastTheStartTimeout) {
  const std::string bindir = directory_.path() + "/bin";
  fs::create_directories(bindir);
  WriteScript(bindir + "/initdb", "#!/bin/sh\nmkdir \"$2\" && echo 15 > \"$2/PG_VERSION\"\n");
  WriteScript(bindir + "/postgres",
              "#!/usr/bin/perl\n"
              "use IO::Socket::UNIX;\n"
              "if ($ARGV[0] eq '--version') { print \"postgres (PostgreSQL) 15.0\\n\"; exit }\n"
              "my $path = '" +
                  Options().data_dir +
                  "/socket/.s.PGSQL.5432';\n"
                  "my $socket = IO::Socket::UNIX->new(Local => $path, Listen => 9) or die $!;\n"
                  "sleep 600;\n");
  LocalPostgresOptions options = Options();
  options.bindir = bindir;
  options.start_timeout = absl::Seconds(1);
  const absl::Time began = absl::Now();

  const absl::Status failed = StartFails(options);

  EXPECT_EQ(failed.code(), absl::StatusCode::kDeadlineExceeded) << failed;
  EXPECT_THAT(MessageOf(failed), HasSubstr("took no connections within 1s"));
  EXPECT_LT(absl::Now() - began, absl::Seconds(15));
}

TEST_F(LocalPostgresTest, FullDiskIsNamedWhenItIsInitialized) {
  const SmallDisk disk(directory_.path(), 24);
  if (!disk.mounted()) GTEST_SKIP() << disk.why_not();

  const absl::Status failed = StartFails(Options());

  EXPECT_EQ(failed.code(), absl::StatusCode::kResourceExhausted) << failed;
  EXPECT_THAT(MessageOf(failed), StartsWith("no space left in " + Options().data_dir + " ("));
  EXPECT_FALSE(fs::exists(Options().data_dir + "/postgres.new"));
}

TEST_F(LocalPostgresTest, FullDiskIsNamedWhenItStartsAndTheNextStartIsWell) {
  const SmallDisk disk(directory_.path(), 128);
  if (!disk.mounted()) GTEST_SKIP() << disk.why_not();
  ASSERT_NE(MustStart(Options()), nullptr);
  disk.FillUpTo(0);

  const absl::Status failed = StartFails(Options());
  disk.FreeAgain();

  EXPECT_EQ(failed.code(), absl::StatusCode::kResourceExhausted) << failed;
  EXPECT_THAT(MessageOf(failed), StartsWith("no space left in " + Options().data_dir + " (0 MB"));
  EXPECT_NE(MustStart(Options()), nullptr);
}

TEST_F(LocalPostgresTest, InterruptedInitializationIsDoneAgain) {
  fs::create_directories(Options().data_dir + "/postgres.new/base");
  std::ofstream(Options().data_dir + "/postgres.new/base/1") << "half";
  // As it is when the server was killed before its first word.
  std::ofstream(Options().data_dir + "/aquifer.data") << "";

  EXPECT_NE(MustStart(Options()), nullptr);
  EXPECT_FALSE(fs::exists(Options().data_dir + "/postgres.new"));
}

TEST_F(LocalPostgresTest, LongDirectoryPutsItsSocketElsewhere) {
  const std::string name(120, 'x');
  std::string socket_directory;
  {
    const auto postgres = MustStart(Options(name));
    ASSERT_NE(postgres, nullptr);
    socket_directory = postgres->directory().socket_directory();

    EXPECT_EQ(Ask(*postgres, "SELECT 1"), "1");
    EXPECT_EQ(socket_directory.rfind("/tmp/aquifer-", 0), 0u) << socket_directory;
  }
  EXPECT_FALSE(fs::exists(socket_directory));
}

TEST_F(LocalPostgresTest, DirectoryNameMayHoldAnything) {
  const auto postgres = MustStart(Options("it's, a \"data\" & 100% dir"));
  ASSERT_NE(postgres, nullptr);

  EXPECT_EQ(Ask(*postgres, "SELECT 1"), "1");
}

TEST_F(LocalPostgresTest, LockOfAReusedProcessIdIsRemoved) {
  MustStart(Options());
  ChildProgram sleeper;
  sleeper.argv = {"/bin/sleep", "600"};
  sleeper.account = *PostgresAccount();
  sleeper.death_signal = SIGKILL;
  const absl::StatusOr<pid_t> reused = StartChild(sleeper);
  ASSERT_TRUE(reused.ok()) << reused.status();
  const std::string data = Options().data_dir;
  std::ofstream(data + "/postgres/postmaster.pid") << *reused << "\n" << data << "/postgres\n";
  std::ofstream(data + "/socket/.s.PGSQL.5432.lock") << *reused << "\n" << data << "/postgres\n";

  EXPECT_NE(MustStart(Options()), nullptr);

  EXPECT_TRUE(IsAlive(*reused));
  kill(*reused, SIGKILL);
  Reap(*reused);
}

// Another process that runs a LocalPostgres in `data_dir`, to be killed.
class Victim {
 public:
  explicit Victim(const std::string& data_dir) {
    setenv(kVictimDirectory, data_dir.c_str(), 1);
    output_ = popen(absl::StrCat("exec ", fs::read_symlink("/proc/self/exe").string(),
                                 " --gtest_also_run_disabled_tests"
                                 " --gtest_filter=LocalPostgresVictim.DISABLED_ServesUntilKilled")
                        .c_str(),
                    "re");
    unsetenv(kVictimDirectory);
    char line[256];
    while (output_ != nullptr && fgets(line, sizeof(line), output_) != nullptr) {
      if (sscanf(line, "victim %d %d", &server, &postmaster) == 2) break;
    }
  }
  ~Victim() {
    if (server > 0) kill(server, SIGKILL);
    if (output_ != nullptr) pclose(output_);
  }
  // Returns once it is gone, as whatever restarts a server does.
  void Kill() {
    kill(server, SIGKILL);
    AwaitExit(server, absl::InfiniteFuture());
  }

  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  pid_t server = 0;
  pid_t postmaster = 0;

 private:
  FILE* output_;
};

TEST(LocalPostgresVictim, DISABLED_ServesUntilKilled) {
  const char* directory = getenv(kVictimDirectory);
  if (directory == nullptr) GTEST_SKIP() << "runs only as a child of other tests";
  Log log(LogLevel::kOff);
  LocalPostgresOptions options;
  options.data_dir = directory;
  options.durability = Durability::kNone;
  const auto postgres = LocalPostgres::Start(options, log);
  ASSERT_TRUE(postgres.ok()) << postgres.status();
  std::printf("victim %d %d\n", getpid(), (*postgres)->pid());
  std::fflush(stdout);
  pause();
}

TEST_F(LocalPostgresTest, KilledServerTakesPostgresWithIt) {
  Victim victim(Options().data_dir);
  ASSERT_GT(victim.postmaster, 0);

  victim.Kill();

  EXPECT_TRUE(Eventually([&] { return !IsAlive(victim.postmaster); }));
}

TEST_F(LocalPostgresTest, StartAfterAKilledServerWaitsForItsOrphan) {
  Victim victim(Options().data_dir);
  ASSERT_GT(victim.postmaster, 0);

  victim.Kill();
  const auto postgres = MustStart(Options());

  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(Ask(*postgres, "SELECT 1"), "1");
}

TEST_F(LocalPostgresTest, KilledServerAndPostgresRecover) {
  Victim victim(Options().data_dir);
  ASSERT_GT(victim.postmaster, 0);
  ASSERT_TRUE(Reachable(*LocalPostgres::UrlOfRunning(Options().data_dir)));

  victim.Kill();
  // It may already have stopped by itself.
  kill(victim.postmaster, SIGKILL);
  const auto postgres = MustStart(Options());

  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(Ask(*postgres, "SELECT 1"), "1");
}

}  // namespace
}  // namespace aquifer
