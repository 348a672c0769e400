// One connection to the database: the libpqxx object, what is prepared on it, and its settings.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "repositories/pqxx_compat.h"
#include "repositories/session.h"
#include "server/database/commit_outcome.h"
#include "server/options.h"

namespace aquifer {

struct ConnectionSettings {
  // libpq's URL or keyword text; its own parameters win over the defaults below. It may name
  // several hosts, of which the primary is wanted.
  std::string url;
  // Which host had it last, counted from 0: the first to try. Shared by all who connect with these
  // settings.
  std::shared_ptr<std::atomic<std::size_t>> last_host =
      std::make_shared<std::atomic<std::size_t>>(0);
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration tcp_keepalive = absl::Seconds(15);
  absl::Duration tcp_user_timeout = absl::Seconds(10);
  // What pg_stat_activity shows; cut to the 63 bytes it holds.
  std::string application_name = "aquifer";
  // The session's TimeZone. Europe/Kyiv and Europe/Kiev stand for each other.
  std::string time_zone = "Europe/Kyiv";
};

// How the options say to connect, by a name and with the fleet's zone.
ConnectionSettings SettingsFor(const DatabaseOptions& options, std::string application_name,
                               std::string time_zone);

// Used by one thread at a time. Never reconnects: a broken one stays broken.
class Connection {
 public:
  // Connects within `deadline` and connect_timeout, whichever ends first. All settings travel in
  // the startup packet, so that no statement is needed before the first transaction.
  //
  // DATABASE_REFUSED for a wrong role, password or database; SETTING_REFUSED for a URL or a setting
  // that is wrong whatever the database does; DEADLINE_EXCEEDED if the deadline cut it short;
  // otherwise DATABASE_UNAVAILABLE. The message names the class and the
  // SQLSTATE, never the URL; `detail`, if wanted, gets libpq's own words, for a log.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionSettings& settings,
                                                          absl::Time deadline,
                                                          std::string* detail = nullptr);

  // Takes over an open handle of libpq.
  explicit Connection(pg_conn* backend);

  AdoptedConnection& pqxx() { return *connection_; }
  PreparedStatements& prepared() { return prepared_; }
  int backend_pid() const;
  BackendMark backend_mark() const { return {backend_pid(), opened_at_}; }
  // The socket it speaks over.
  int socket() const;
  // What a cancel request is sent with; shared, because one may be under way when this ends.
  const std::shared_ptr<PGcancel>& cancel_target() const { return cancel_target_; }
  // Which run of the database this is a connection to, as commit_outcome.h means it; empty until
  // somebody asked the database and told.
  const std::string& run() const { return run_; }
  void set_run(std::string run) { run_ = std::move(run); }

  // What runs on it: a statement's name, or another literal; null for nothing. Set by the thread
  // that uses it, read by any.
  void set_activity(const char* activity) { activity_.store(activity, std::memory_order_relaxed); }
  absl::string_view Activity() const {
    const char* activity = activity_.load(std::memory_order_relaxed);
    return activity == nullptr ? absl::string_view() : activity;
  }

  // Whether it can serve again: open, and nothing arrived that announces its end. Looks only at
  // what this side already received, so it costs no round trip.
  bool Reusable();

  // Whether a transaction is open, failed or not, and whether it failed and can only be rolled
  // back. Both from what the backend said last.
  bool InTransaction() const;
  bool InFailedTransaction() const;

 private:
  // Owned by connection_.
  pg_conn* const backend_;
  const std::unique_ptr<AdoptedConnection> connection_;
  PreparedStatements prepared_;
  const std::shared_ptr<PGcancel> cancel_target_;
  std::string run_;
  const std::chrono::steady_clock::time_point opened_at_ = std::chrono::steady_clock::now();
  std::atomic<const char*> activity_ = nullptr;
};

}  // namespace aquifer
