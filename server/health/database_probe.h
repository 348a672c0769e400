// One connection of the monitor's own, and one question: how is the database?
//
// It speaks libpq without blocking, where everything else uses libpqxx: libpqxx waits for as long
// as the server does, and a monitor that a frozen database can freeze is of no use.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "server/database/libpq_handles.h"
#include "server/health/database_view.h"

namespace aquifer {

struct DatabaseProbeOptions {
  // A libpq URL or key=value string for each host that may have the primary. A look that finds
  // nothing at one is followed by a look at the next.
  std::vector<std::string> urls;
  // How the connection shows in pg_stat_activity.
  std::string application_name;
  // The longest a look may take, connecting included. Only the resolver of host names can exceed
  // it, since libpq has no other.
  absl::Duration look_timeout = absl::Seconds(2);
};

// Used by one thread, but for Interrupt.
class DatabaseProbe {
 public:
  explicit DatabaseProbe(DatabaseProbeOptions options);
  ~DatabaseProbe();
  DatabaseProbe(const DatabaseProbe&) = delete;
  DatabaseProbe& operator=(const DatabaseProbe&) = delete;

  // Connects if it must, and looks once. DATABASE_REFUSED with the server's words if it does not
  // take our role, password or database; DATABASE_UNAVAILABLE with its or libpq's if there is no
  // answer in time; the next look connects anew.
  absl::StatusOr<DatabaseFacts> Look();

  // Which of the URLs the last good look was at.
  std::size_t host() const { return host_; }

  // Waits between two looks, less long if the server hangs up meanwhile.
  void Pause(absl::Duration pause);

  // Ends the running and every later Look and Pause at once. Thread-safe.
  void Interrupt();

 private:
  enum class Woken { kSocket, kTime, kInterrupt };

  // `deadline` is on the monotonic clock.
  absl::Status Connect(absl::Duration deadline);
  absl::StatusOr<ResultHandle> Query(const char* sql, const char* parameter,
                                     absl::Duration deadline);
  absl::Status AwaitSocket(int events, absl::Duration deadline);
  Woken Poll(int socket, int events, absl::Duration deadline);
  absl::Status Failure() const;

  const DatabaseProbeOptions options_;
  ConnectionHandle connection_;
  // Which of the URLs is looked at.
  std::size_t host_ = 0;
  // Readable once interrupted; -1 if the system has no descriptor left, and then a wait merely ends
  // at its own deadline.
  const int wake_;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace aquifer
