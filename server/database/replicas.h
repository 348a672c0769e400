// The hosts of the database's URL as places to read from.
//
// Each is watched over a link of its own: whether it is the primary or a replica, and how far. What
// a replica lacks is not asked of the replica, whose own figures stand still when its link to the
// primary breaks. The primary's position is noted as time goes by instead, and a replica that has
// replayed up to one of those notes has all that was committed before it. Where no note is known,
// it counts as too old.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/database/connection_pool.h"
#include "server/database/consistency.h"
#include "server/options.h"
#include "server/telemetry/log.h"

namespace aquifer {

struct ReplicasOptions {
  // Its URL has several hosts.
  DatabaseOptions database;
  // Of each host's connections.
  PoolOptions pool;
  std::string instance;
  std::string time_zone = "Europe/Kyiv";
  // How often each host is looked at.
  absl::Duration look_interval = absl::Milliseconds(200);
  // How long a read waits, for a replica to replay its token or for a connection, before it goes to
  // the primary.
  absl::Duration patience = absl::Milliseconds(50);
  // How many may wait for a token at once, each with the thread it holds.
  int max_waits = 1;
};

enum class HostRole { kUnknown, kPrimary, kReplica };

// "unknown", "primary", "replica".
absl::string_view NameOf(HostRole role);

// What became of a read that could do with a replica.
enum class ReplicaRead { kServed, kNoneFits, kNoConnection, kFailed };
inline constexpr ReplicaRead kReplicaReads[] = {ReplicaRead::kServed, ReplicaRead::kNoneFits,
                                                ReplicaRead::kNoConnection, ReplicaRead::kFailed};
constexpr absl::string_view NameOf(ReplicaRead read) {
  constexpr absl::string_view kNames[] = {"served", "none_fits", "no_connection", "failed"};
  return kNames[static_cast<int>(read)];
}

struct HostFigures {
  HostRole role = HostRole::kUnknown;
  // How far it was when last looked at.
  WalPosition position = 0;
  // What was committed longer ago than this it has for certain; infinite if nothing is known.
  absl::Duration lag = absl::InfiniteDuration();
  // Connections open for reads.
  int connections = 0;
};

struct ReplicaFigures {
  // In the URL's order.
  std::vector<HostFigures> hosts;
  // Indexed by ReplicaRead.
  std::array<std::int64_t, std::size(kReplicaReads)> reads = {};
};

// Thread-safe. Loans must end before it does.
class Replicas {
 public:
  // A connection to a replica.
  struct Loan {
    ConnectionPool* pool;
    ConnectionPool::Lease lease;
  };

  // Begins to watch. `log` must outlive it.
  Replicas(const ReplicasOptions& options, Log& log);
  // Stops.
  ~Replicas();
  Replicas(const Replicas&) = delete;
  Replicas& operator=(const Replicas&) = delete;

  // A connection to a replica that has what `wanted` asks for, within `patience` and `deadline`;
  // nothing if there is none, and then the primary is to be asked. `method` as for a pool.
  std::optional<Loan> Borrow(const Consistency& wanted, absl::Time deadline,
                             absl::string_view method);
  // What became of the read on a loan.
  void Count(ReplicaRead read);

  // Ends the watch and closes the connections; loans get until `deadline`. Once.
  absl::Status Close(absl::Time deadline);

  ReplicaFigures Figures() const;

 private:
  // By a clock that nobody sets.
  using Moment = std::chrono::steady_clock::time_point;

  struct Host {
    Host(std::size_t place, const ConnectionPoolOptions& options, ConnectionSettings link_settings,
         Log& log)
        : index(place), pool(options, log), settings(std::move(link_settings)) {}

    const std::size_t index;
    ConnectionPool pool;
    const ConnectionSettings settings;
    // The watcher's own; null while there is none.
    std::unique_ptr<Connection> link;
    std::thread watcher;
  };
  // What the last look at a host told.
  struct Sight {
    HostRole role = HostRole::kUnknown;
    WalPosition position = 0;
    // When that look began; the epoch before the first.
    Moment at;
  };
  // The primary's position, no later than then.
  struct Note {
    WalPosition position;
    Moment at;
  };

  void Watch(Host& host);
  // Until the next look; false if there is to be none.
  bool Pause(const Host& host);
  void Look(Host& host);
  // An unknown role if it failed.
  void Publish(Host& host, const Sight& sight);
  void NotePrimary(std::size_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  bool Fits(const Sight& seen, const Consistency& wanted) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The next in turn of those that fit; null if none does.
  Host* Find(const Consistency& wanted) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The same, having waited for one to come as far as a token.
  Host* Await(const Consistency& wanted, absl::Time until);
  // Whether the connection that opened then sees what the host was seen to have.
  bool AwaitFit(const Host& host, const Consistency& wanted, Moment opened_at, absl::Time until);
  // How old what has been replayed up to `position` may be.
  absl::Duration LagOf(WalPosition position, Moment now) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const ReplicasOptions options_;
  Log& log_;
  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Reads that wait for the next look.
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t turn_ ABSL_GUARDED_BY(mutex_) = 0;
  // By host.
  std::vector<Sight> seen_ ABSL_GUARDED_BY(mutex_);
  // Ascending, denser for the recent past.
  std::deque<Note> notes_ ABSL_GUARDED_BY(mutex_);
  std::array<std::int64_t, std::size(kReplicaReads)> reads_ ABSL_GUARDED_BY(mutex_) = {};
  // Pointers, because a pool stays where it is.
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace aquifer
