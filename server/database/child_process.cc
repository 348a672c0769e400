#include "server/database/child_process.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace aquifer {
namespace {

// PostgreSQL's programs must not see our PG* variables; LC_ALL makes their messages English.
constexpr const char* kEnvironment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", nullptr};

constexpr int kErrorPipe = 3;

// Everything below runs between fork and exec in a process that had many threads: only
// async-signal-safe calls, no allocation.

void ForgetSignals() {
  struct sigaction original = {};
  original.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &original, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void CloseFrom(int first) {
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
  for (int fd = first; fd < 4096; ++fd) close(fd);
}

[[noreturn]] void Fail(int pipe) {
  const int error = errno;
  [[maybe_unused]] ssize_t written = write(pipe, &error, sizeof(error));
  _exit(127);
}

[[noreturn]] void BecomeProgram(const ChildProgram& program, char* const* argv, int pipe,
                                pid_t parent) {
  // A session of its own: Ctrl-C in our terminal must reach us alone, so that we drain first.
  setsid();
  ForgetSignals();
  umask(077);
  const int input = open("/dev/null", O_RDONLY);
  const int output = open(program.output_file.c_str(), O_WRONLY | O_APPEND);
  if (input < 0 || output < 0) Fail(pipe);
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) Fail(pipe);
  if (pipe != kErrorPipe && dup2(pipe, kErrorPipe) < 0) Fail(pipe);
  fcntl(kErrorPipe, F_SETFD, FD_CLOEXEC);
  CloseFrom(kErrorPipe + 1);
  if (!BecomeInChild(program.account)) Fail(kErrorPipe);
  if (chdir(program.directory.c_str()) != 0) Fail(kErrorPipe);
  // Only now: a change of user clears it.
  prctl(PR_SET_PDEATHSIG, program.death_signal);
  if (getppid() != parent) _exit(127);
  execve(argv[0], argv, const_cast<char* const*>(kEnvironment));
  Fail(kErrorPipe);
}

}  // namespace

bool BecomeInChild(const Account& account) {
  if (geteuid() == account.uid) return true;
  // The raw calls: glibc's wrappers would signal threads that no longer exist.
  return syscall(SYS_setgroups, account.groups.size(), account.groups.data()) == 0 &&
         syscall(SYS_setresgid, account.gid, account.gid, account.gid) == 0 &&
         syscall(SYS_setresuid, account.uid, account.uid, account.uid) == 0;
}

absl::StatusOr<pid_t> StartChild(const ChildProgram& program) {
  std::vector<char*> argv;
  for (const std::string& argument : program.argv) {
    argv.push_back(const_cast<char*>(argument.data()));
  }
  argv.push_back(nullptr);
  int pipe[2];
  if (pipe2(pipe, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");

  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) BecomeProgram(program, argv.data(), pipe[1], parent);
  const int fork_error = errno;
  close(pipe[1]);
  if (child < 0) {
    close(pipe[0]);
    return absl::ErrnoToStatus(fork_error, "cannot fork");
  }

  // Ends without a byte as soon as exec succeeded.
  int error = 0;
  ssize_t got;
  while ((got = read(pipe[0], &error, sizeof(error))) < 0 && errno == EINTR) {
  }
  close(pipe[0]);
  if (got != sizeof(error)) return child;
  Reap(child);
  return absl::ErrnoToStatus(
      error, absl::StrCat("cannot run ", program.argv[0], " as user ", program.account.name));
}

absl::StatusOr<int> RunChild(const ChildProgram& program, absl::Time deadline) {
  const absl::StatusOr<pid_t> child = StartChild(program);
  if (!child.ok()) return child.status();
  if (AwaitExit(*child, deadline)) return Reap(*child);
  kill(*child, SIGKILL);
  Reap(*child);
  return absl::DeadlineExceededError(absl::StrCat(program.argv[0], " took too long"));
}

bool AwaitExit(pid_t child, absl::Time deadline) {
  absl::Duration pause = absl::Milliseconds(1);
  while (true) {
    siginfo_t info = {};
    const int block = deadline == absl::InfiniteFuture() ? 0 : WNOHANG;
    if (waitid(P_PID, child, &info, WEXITED | WNOWAIT | block) < 0 && errno != EINTR) return true;
    if (info.si_pid == child) return true;
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    absl::SleepFor(std::min(left, pause));
    pause = std::min(pause * 2, absl::Milliseconds(20));
  }
}

int Reap(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace aquifer
