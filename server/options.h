// Everything an operator can set, validated, in one struct. The values here are the defaults; the
// names, limits and profiles stand in options_table.cc, and LoadOptions fills the struct.
#pragma once

#include <absl/time/time.h>

#include <string>

#include "server/telemetry/log.h"

namespace aquifer {

// A set of defaults for a kind of place; kNone leaves those written below.
enum class Profile { kNone, kDevelopment, kStaging, kProduction };

struct DatabaseOptions {
  // postgresql://... or empty: the embedded PostgreSQL of `data_dir`. "postgresql://" alone leaves
  // everything to libpq's own PG* variables.
  std::string url;
  // Where the embedded PostgreSQL keeps its data.
  std::string data_dir;
  // Where to find postgres and initdb; empty searches where Debian puts them.
  std::string postgres_bindir;
  absl::Duration connect_timeout = absl::Seconds(5);
  // TCP keepalive and the longest time sent data may stay unacknowledged.
  absl::Duration tcp_keepalive = absl::Seconds(15);
  absl::Duration tcp_user_timeout = absl::Seconds(10);
};

struct PoolOptions {
  int min = 5;
  int max = 20;
  absl::Duration acquire_timeout = absl::Seconds(5);
  absl::Duration idle_timeout = absl::Seconds(30);
  absl::Duration max_life = absl::Minutes(30);
  // Callers that may wait for a connection at once.
  int max_waiters = 1000;
  // How long a call may hold a connection before the log says so.
  absl::Duration holder_limit = absl::Seconds(10);
};

// Reads from replicas, where database_url has several hosts.
struct ReplicaOptions {
  // Connections to each host at most; 0 for none.
  int pool_max = 10;
  // How often each host is looked at.
  absl::Duration look_interval = absl::Milliseconds(200);
  // How long a read waits for a replica before it goes to the primary.
  absl::Duration patience = absl::Milliseconds(50);
};

struct ServerOptions {
  Profile profile = Profile::kNone;
  // Where calls are taken; port 0 picks one.
  std::string address = "127.0.0.1";
  int port = 50051;
  // The path of a Unix socket where calls are taken as well; empty for none.
  std::string socket;
  // Who may connect there, as chmod takes it.
  std::string socket_mode = "0660";
  // A plaintext port with nothing but health, for the kubelet; -1 for none, 0 picks one.
  int health_port = -1;
  // Prometheus scrapes here; -1 for nobody.
  int metrics_port = -1;
  // Which instance this is; made from host and process unless it is given.
  std::string instance;
  // The fleet's time zone, by the database's rules.
  std::string time_zone = "Europe/Kyiv";
  DatabaseOptions database;
  PoolOptions pool;
  ReplicaOptions replicas;
  // Calls that may wait for a worker.
  int queue_capacity = 1000;
  // Which part of it one caller may fill, how long a call waits there at most, and what all that
  // wait may take in memory.
  int queue_share_percent = 50;
  absl::Duration queue_patience = absl::Seconds(15);
  int queue_max_bytes = 64 * 1024 * 1024;
  // What gRPC may take for messages that come and go.
  int transport_memory_bytes = 256 * 1024 * 1024;
  int max_message_bytes = 4 * 1024 * 1024;
  // Streams open at once, and how long each waits for its caller.
  int max_streams = 200;
  absl::Duration stream_patience = absl::Minutes(5);
  // Tries of a transaction that collides with others.
  int transaction_attempts = 3;
  // How long the first answer to a request_id is kept, at least.
  int ledger_keep_hours = 24;
  // Apply pending migrations at start.
  bool migrate_at_start = true;
  absl::Duration health_interval = absl::Seconds(1);
  // How long NOT_SERVING shows before calls are refused, and how long running calls may take then.
  absl::Duration shutdown_notice = absl::Seconds(1);
  absl::Duration shutdown_drain = absl::Seconds(20);
  LogLevel log_level = LogLevel::kInfo;
};

}  // namespace aquifer
