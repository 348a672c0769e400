#include "server/database/replicas.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

#include "repositories/row.h"
#include "server/database/database_hosts.h"
#include "server/database/transaction_attempt.h"

namespace aquifer {
namespace {

// Of a host that answers; what it says then is as good as the look before that.
constexpr absl::Duration kLookTimeout = absl::Seconds(1);
// Between two looks while somebody waits for them.
constexpr absl::Duration kShortestPause = absl::Milliseconds(1);
// While a host does not answer: each try may be a line in its log.
constexpr absl::Duration kPauseWhileAway = absl::Seconds(1);
constexpr std::size_t kMostNotes = 2048;

constexpr Statement kLook = {"replica.look", R"sql(
SELECT pg_is_in_recovery(),
       pg_last_wal_replay_lsn()::text
)sql"};

ConnectionPoolOptions PoolOf(const ReplicasOptions& options, const std::string& url,
                             std::size_t host) {
  ConnectionPoolOptions result;
  result.database = options.database;
  result.database.url = url;
  result.pool = options.pool;
  result.instance = options.instance;
  result.time_zone = options.time_zone;
  result.replica = static_cast<int>(host);
  return result;
}

ConnectionSettings LinkOf(const ReplicasOptions& options, const std::string& url) {
  DatabaseOptions database = options.database;
  database.url = url;
  return SettingsFor(database, absl::StrCat("aquifer/", options.instance, " replicas"),
                     options.time_zone);
}

}  // namespace

absl::string_view NameOf(HostRole role) {
  constexpr absl::string_view kNames[] = {"unknown", "primary", "replica"};
  return kNames[static_cast<int>(role)];
}

Replicas::Replicas(const ReplicasOptions& options, Log& log) : options_(options), log_(log) {
  for (const std::string& url : UrlsByHost(options.database.url, WantedHost::kAny)) {
    const std::size_t index = hosts_.size();
    hosts_.push_back(
        std::make_unique<Host>(index, PoolOf(options, url, index), LinkOf(options, url), log));
  }
  seen_.resize(hosts_.size());
  for (const auto& host : hosts_) {
    host->watcher = std::thread([this, &host = *host] { Watch(host); });
  }
}

Replicas::~Replicas() { (void)Close(absl::Now()); }

std::optional<Replicas::Loan> Replicas::Borrow(const Consistency& wanted, absl::Time deadline,
                                               absl::string_view method) {
  const absl::Time until = std::min(deadline, absl::Now() + options_.patience);
  Host* host = Await(wanted, until);
  if (host == nullptr) {
    Count(ReplicaRead::kNoneFits);
    return std::nullopt;
  }
  auto lease = host->pool.Acquire(until, method);
  if (!lease.ok() || !AwaitFit(*host, wanted, (*lease)->backend_mark().opened_at, until)) {
    Count(ReplicaRead::kNoConnection);
    return std::nullopt;
  }
  return Loan{&host->pool, *std::move(lease)};
}

void Replicas::Count(ReplicaRead read) {
  absl::MutexLock lock(&mutex_);
  ++reads_[static_cast<std::size_t>(read)];
}

absl::Status Replicas::Close(absl::Time deadline) {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  absl::Status status;
  for (const auto& host : hosts_) {
    if (host->watcher.joinable()) host->watcher.join();
  }
  for (const auto& host : hosts_) status.Update(host->pool.Close(deadline));
  return status;
}

ReplicaFigures Replicas::Figures() const {
  ReplicaFigures figures;
  for (const auto& host : hosts_) {
    const PoolFigures pool = host->pool.Figures();
    figures.hosts.push_back({.connections = pool.active + pool.idle});
  }
  const Moment now = std::chrono::steady_clock::now();
  absl::MutexLock lock(&mutex_);
  figures.reads = reads_;
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    figures.hosts[i].role = seen_[i].role;
    figures.hosts[i].position = seen_[i].position;
    if (seen_[i].role == HostRole::kPrimary) figures.hosts[i].lag = absl::ZeroDuration();
    if (seen_[i].role == HostRole::kReplica) figures.hosts[i].lag = LagOf(seen_[i].position, now);
  }
  return figures;
}

void Replicas::Watch(Host& host) {
  do {
    Look(host);
  } while (Pause(host));
  host.link.reset();
}

bool Replicas::Pause(const Host& host) {
  const auto wanted = [this]()
                          ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || waiting_ > 0; };
  absl::MutexLock lock(&mutex_);
  if (host.link == nullptr) {
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kPauseWhileAway);
  } else if (!mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kShortestPause)) {
    mutex_.AwaitWithTimeout(absl::Condition(&wanted), options_.look_interval - kShortestPause);
  }
  return !stopping_;
}

void Replicas::Look(Host& host) {
  const TransactionCall call = {.method = kLook.name,
                                .mode = TransactionMode::kReadImplicitly,
                                .deadline = absl::Now() + kLookTimeout};
  Sight sight = {.at = std::chrono::steady_clock::now()};
  if (host.link != nullptr && !host.link->Reusable()) host.link.reset();
  if (host.link == nullptr) {
    auto link = Connection::Open(host.settings, call.deadline);
    if (link.ok()) host.link = *std::move(link);
  }
  if (host.link != nullptr) {
    const auto look = [&sight](Session& session) {
      const pqxx::result found = session.Run(kLook);
      const bool replica = Row(found[0]).Bool(0);
      const pqxx::result position = replica ? found : session.Run(kCommittedPosition);
      sight.position = ParseWalPosition(Row(position[0]).Text(replica ? 1 : 0)).value_or(0);
      sight.role = replica ? HostRole::kReplica : HostRole::kPrimary;
      return absl::OkStatus();
    };
    Receipt unused;
    const AttemptOutcome outcome = Attempt(host.pool, *host.link, call, nullptr, unused).Run(look);
    if (outcome.kind != AttemptOutcome::Kind::kFinished || !outcome.status.ok() ||
        outcome.discard) {
      sight.role = HostRole::kUnknown;
      host.link.reset();
    }
  }
  Publish(host, sight);
}

void Replicas::Publish(Host& host, const Sight& sight) {
  HostRole before;
  {
    absl::MutexLock lock(&mutex_);
    before = std::exchange(seen_[host.index], sight).role;
    if (sight.role == HostRole::kPrimary) NotePrimary(host.index);
  }
  if (sight.role == before) return;
  const bool lost = sight.role == HostRole::kUnknown;
  log_.Write(LogLine(lost ? LogLevel::kWarning : LogLevel::kInfo, "host_role_changed")
                 .Add("host", static_cast<std::int64_t>(host.index))
                 .Add("before", NameOf(before))
                 .Add("role", NameOf(sight.role)));
  if (!lost) return;
  // Reads that wait for it go on at the primary.
  host.pool.Outdate();
  host.pool.watchdog().CutAll();
}

void Replicas::NotePrimary(std::size_t index) {
  for (std::size_t other = 0; other < seen_.size(); ++other) {
    // One of the two is about to fall; which, is not known here.
    if (other != index && seen_[other].role == HostRole::kPrimary) return notes_.clear();
  }
  const Note note = {seen_[index].position, seen_[index].at};
  // Another history.
  if (!notes_.empty() && note.position < notes_.back().position) notes_.clear();
  if (!notes_.empty() && note.position == notes_.back().position) notes_.pop_back();
  notes_.push_back(note);
  if (notes_.size() <= kMostNotes) return;
  // Every second of the older ones goes: the further back, the coarser.
  std::deque<Note> kept;
  for (std::size_t i = 0; i < notes_.size(); ++i) {
    if (i % 2 == 0 || i > kMostNotes / 2) kept.push_back(notes_[i]);
  }
  notes_ = std::move(kept);
}

bool Replicas::Fits(const Sight& seen, const Consistency& wanted) const {
  const Moment now = std::chrono::steady_clock::now();
  // A look that takes long says nothing good.
  const absl::Duration age = absl::FromChrono(now - seen.at);
  if (seen.role != HostRole::kReplica || age > options_.look_interval + kLookTimeout) return false;
  switch (wanted.kind) {
    case Consistency::Kind::kStrong:
      return false;
    case Consistency::Kind::kAtLeast:
      return seen.position >= wanted.position;
    case Consistency::Kind::kStale:
      return LagOf(seen.position, now) <= wanted.staleness;
    case Consistency::Kind::kAny:
      return true;
  }
  return false;
}

Replicas::Host* Replicas::Find(const Consistency& wanted) const {
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const std::size_t index = (turn_ + i) % seen_.size();
    if (Fits(seen_[index], wanted)) return hosts_[index].get();
  }
  return nullptr;
}

Replicas::Host* Replicas::Await(const Consistency& wanted, absl::Time until) {
  Host* found = nullptr;
  const auto come = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    found = Find(wanted);
    return found != nullptr || stopping_;
  };
  absl::MutexLock lock(&mutex_);
  ++turn_;
  if (come() || wanted.kind != Consistency::Kind::kAtLeast) return found;
  const bool hopeless = std::none_of(seen_.begin(), seen_.end(), [](const Sight& sight) {
    return sight.role == HostRole::kReplica;
  });
  if (hopeless || waiting_ >= options_.max_waits) return nullptr;
  ++waiting_;
  mutex_.AwaitWithDeadline(absl::Condition(&come), until);
  --waiting_;
  return found;
}

// A restart may take a replica back, and ends all connections. So one that was opened before a look
// and works sees what the look saw.
bool Replicas::AwaitFit(const Host& host, const Consistency& wanted, Moment opened_at,
                        absl::Time until) {
  const auto looked = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return seen_[host.index].at > opened_at || stopping_;
  };
  absl::MutexLock lock(&mutex_);
  if (!looked()) {
    ++waiting_;
    mutex_.AwaitWithDeadline(absl::Condition(&looked), until);
    --waiting_;
  }
  return looked() && Fits(seen_[host.index], wanted);
}

absl::Duration Replicas::LagOf(WalPosition position, Moment now) const {
  const auto after = std::upper_bound(
      notes_.begin(), notes_.end(), position,
      [](WalPosition replayed, const Note& note) { return replayed < note.position; });
  if (after == notes_.begin()) return absl::InfiniteDuration();
  return absl::FromChrono(now - std::prev(after)->at);
}

}  // namespace aquifer
