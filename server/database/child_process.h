// Starting PostgreSQL's programs as children: as another account, cut loose from our terminal,
// signals and file descriptors, and told when we die.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "server/database/account.h"

namespace aquifer {

struct ChildProgram {
  // argv[0] is the program's absolute path.
  std::vector<std::string> argv;
  Account account;
  // The working directory; the account must be able to enter it.
  std::string directory = "/";
  // Standard output and error go to the end of this file, which exists.
  std::string output_file = "/dev/null";
  // Sent to the child when the thread that started it ends, however it ends.
  int death_signal;
};

// Forks and executes; returns the process id. The caller reaps it. Call from a thread that outlives
// the child: the death signal follows the thread, not the process.
absl::StatusOr<pid_t> StartChild(const ChildProgram& program);

// Runs a program to its end and returns its exit code, or 128 + its signal. Kills it at the
// deadline and returns DEADLINE_EXCEEDED.
absl::StatusOr<int> RunChild(const ChildProgram& program, absl::Time deadline);

// Waits for a child without reaping it, so that its id cannot be reused meanwhile. False at the
// deadline.
bool AwaitExit(pid_t child, absl::Time deadline);

// Reaps a child that ended: its exit code, or 128 + its signal.
int Reap(pid_t child);

// Between fork and exec: takes the account's identity. Async-signal-safe.
bool BecomeInChild(const Account& account);

}  // namespace aquifer
