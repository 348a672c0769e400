#include "tests/testing/own_postgres.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "server/database/child_process.h"
#include "server/database/postgres_programs.h"
#include "tests/testing/eventually.h"
#include "tests/testing/processes.h"

namespace aquifer::testing {
namespace {

constexpr char kAdmin[] = "admin";
constexpr absl::Duration kPatience = absl::Seconds(60);

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "PostgreSQL of a test: %s\n", what.c_str());
  std::abort();
}

// A directory that `account` owns.
std::string MakeDirectory(const std::string& path, const Account& account) {
  if (mkdir(path.c_str(), 0700) != 0 || chown(path.c_str(), account.uid, account.gid) != 0 ||
      chmod(path.c_str(), 0711) != 0) {
    Die(absl::StrCat("cannot make ", path));
  }
  return path;
}

Account FindAccount() {
  auto account = PostgresAccount();
  if (!account.ok()) Die(std::string(account.status().message()));
  return *std::move(account);
}

std::string FindPrograms(const Account& account) {
  const auto programs = FindPostgres("", account, std::nullopt);
  if (!programs.ok()) Die(std::string(programs.status().message()));
  return programs->postgres.substr(0, programs->postgres.rfind('/'));
}

}  // namespace

OwnPostgres::OwnPostgres(std::vector<std::string> settings)
    : sockets_(directory_.path() + "/sockets"),
      data_(directory_.path() + "/data"),
      log_(directory_.path() + "/log"),
      settings_(std::move(settings)),
      account_(FindAccount()),
      bindir_(FindPrograms(account_)) {
  MakeDirectory(sockets_, account_);
  MakeDirectory(data_, account_);
  close(open(log_.c_str(), O_WRONLY | O_CREAT, 0600));
  RunProgram({Program("initdb"), "-D", data_, "--username", kAdmin, "--encoding=UTF8", "--locale=C",
              "--auth-local=trust", "--no-sync"});
  std::ofstream(data_ + "/pg_hba.conf") << "local all " << kOwnRole << " scram-sha-256\n"
                                        << "local all all trust\n"
                                        << "local replication all trust\n";
  Start();
  pqxx::connection link(AdminUrl("postgres"));
  pqxx::nontransaction sql(link);
  sql.exec(absl::StrCat("CREATE ROLE ", kOwnRole, " LOGIN PASSWORD '", kOwnPassword, "'"));
  sql.exec(absl::StrCat("CREATE DATABASE aquifer OWNER ", kOwnRole));
}

OwnPostgres::OwnPostgres(const OwnPostgres& primary)
    : sockets_(directory_.path() + "/sockets"),
      data_(directory_.path() + "/data"),
      log_(directory_.path() + "/log"),
      settings_(primary.settings_),
      account_(primary.account_),
      bindir_(primary.bindir_) {
  MakeDirectory(sockets_, account_);
  MakeDirectory(data_, account_);
  close(open(log_.c_str(), O_WRONLY | O_CREAT, 0600));
  if (chmod(data_.c_str(), 0700) != 0) Die("cannot close the data directory");
  RunProgram({Program("pg_basebackup"), "-D", data_, "-h", primary.host(), "-U", kAdmin, "-R",
              "--checkpoint=fast", "--no-sync", "--wal-method=stream"});
  Start();
}

OwnPostgres::~OwnPostgres() {
  if (pid_ != 0) Kill();
}

void OwnPostgres::Start() {
  if (chmod(data_.c_str(), 0700) != 0) Die("cannot close the data directory");
  ChildProgram program;
  program.argv = {Program("postgres"),
                  "-D",
                  data_,
                  "-c",
                  "listen_addresses=",
                  "-c",
                  "unix_socket_directories=" + sockets_,
                  "-c",
                  "fsync=off",
                  "-c",
                  "unix_socket_permissions=0777"};
  for (const std::string& setting : settings_) {
    program.argv.emplace_back("-c");
    program.argv.push_back(setting);
  }
  program.account = account_;
  program.directory = data_;
  program.output_file = log_;
  program.death_signal = SIGQUIT;
  const auto child = StartChild(program);
  if (!child.ok()) Die(std::string(child.status().message()));
  pid_ = *child;
  if (!Eventually([this] { return Answers(); }, kPatience)) Die("it does not start; see " + log_);
}

void OwnPostgres::Stop() {
  kill(pid_, SIGINT);
  if (!AwaitExit(pid_, absl::Now() + kPatience)) Die("it does not stop");
  Reap(std::exchange(pid_, 0));
}

void OwnPostgres::Kill() {
  SignalAll(SIGKILL);
  if (!AwaitExit(pid_, absl::Now() + kPatience)) Die("it cannot be killed");
  Reap(std::exchange(pid_, 0));
}

void OwnPostgres::Freeze() { SignalAll(SIGSTOP); }
void OwnPostgres::Thaw() { SignalAll(SIGCONT); }

void OwnPostgres::Promote() {
  RunProgram({Program("pg_ctl"), "promote", "-D", data_, "-w", "-t", "60"});
}

std::string OwnPostgres::UrlOf(const std::string& hosts, const std::string& password) {
  return absl::StrCat("postgresql:///aquifer?host=", hosts, "&user=", kOwnRole,
                      "&password=", password);
}

pqxx::result OwnPostgres::Execute(const std::string& sql) const {
  pqxx::connection link(AdminUrl("aquifer"));
  return pqxx::nontransaction(link).exec(sql);
}

void OwnPostgres::RunProgram(std::vector<std::string> argv) const {
  ChildProgram program;
  program.argv = std::move(argv);
  program.account = account_;
  program.directory = "/";
  program.output_file = log_;
  program.death_signal = SIGKILL;
  const auto code = RunChild(program, absl::Now() + kPatience);
  if (!code.ok() || *code != 0) {
    std::ifstream log(log_);
    Die(absl::StrCat(program.argv[0], " failed:\n",
                     std::string(std::istreambuf_iterator<char>(log), {})));
  }
}

std::string OwnPostgres::AdminUrl(const std::string& database) const {
  return absl::StrCat("postgresql:///", database, "?host=", sockets_, "&user=", kAdmin);
}

bool OwnPostgres::Answers() const { return PQping(AdminUrl("postgres").c_str()) == PQPING_OK; }

void OwnPostgres::SignalAll(int signal) const {
  // Stopped first, so that it has no child more meanwhile.
  kill(pid_, SIGSTOP);
  for (const pid_t pid : ChildrenOf(pid_)) kill(pid, signal);
  kill(pid_, signal);
}

}  // namespace aquifer::testing
