#include "server/options_table.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>

#include "server/options_rules.h"
#include "server/redact_url.h"

namespace aquifer {
namespace {

constexpr int kDayMs = 24 * 60 * 60 * 1000;

constexpr absl::string_view kProfiles[] = {"none", "development", "staging", "production"};
constexpr absl::string_view kLogLevels[] = {"debug", "info", "warning", "error", "off"};

constexpr absl::string_view kServing = "Serving";
constexpr absl::string_view kDatabase = "Database";
constexpr absl::string_view kPool = "Connection pool";
constexpr absl::string_view kCalls = "Calls";
constexpr absl::string_view kLifecycle = "Health and shutdown";

const OptionSpec kTable[] = {
    {.name = "profile",
     .group = kServing,
     .field = ChoiceField{
         [](const ServerOptions& o) { return static_cast<int>(o.profile); },
         [](ServerOptions& o, int choice) { o.profile = static_cast<Profile>(choice); }, kProfiles},
     .help = "The set of defaults to start from."},
    {.name = "address",
     .group = kServing,
     .field = TextField{[](ServerOptions& o) -> std::string& { return o.address; }, IsHost,
                        "an IP address or a host name"},
     .help = "Where calls are taken; 0.0.0.0 for every interface."},
    {.name = "port",
     .group = kServing,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.port; }, 0, 65535},
     .help = "The port calls are taken on; 0 picks a free one and prints it."},
    {.name = "socket",
     .group = kServing,
     .field = TextField{[](ServerOptions& o) -> std::string& { return o.socket; }, IsSocketPath,
                        "an absolute path of at most 107 letters, digits and /._-+@"},
     .help = "A Unix socket where calls are taken as well.",
     .default_note = "none"},
    {.name = "socket_mode",
     .group = kServing,
     .field = TextField{[](ServerOptions& o) -> std::string& { return o.socket_mode; },
                        IsSocketMode, "0600 to 0777, in octal"},
     .help = "Who may connect to the socket, as chmod takes it."},
    {.name = "health_port",
     .group = kServing,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.health_port; }, -1, 65535},
     .help = "A second port with nothing but health; -1 for none, 0 picks a free one."},
    {.name = "metrics_port",
     .group = kServing,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.metrics_port; }, -1, 65535},
     .help = "An HTTP port for Prometheus, GET /metrics; -1 for none, 0 picks a free one."},
    {.name = "instance",
     .group = kServing,
     .field = TextField{[](ServerOptions& o) -> std::string& { return o.instance; }, IsInstance,
                        "1 to 40 letters, digits, dots, dashes or underscores"},
     .help = "The name of this instance in logs, status and application_name.",
     .default_note = "host name and process id"},
    {.name = "time_zone",
     .group = kServing,
     .field = TextField{[](ServerOptions& o) -> std::string& { return o.time_zone; }, IsTimeZone,
                        "a name of the tz database, such as Europe/Kyiv"},
     .help = "The fleet's time zone: what a day is."},
    {.name = "log_level",
     .group = kServing,
     .field = ChoiceField{
         [](const ServerOptions& o) { return static_cast<int>(o.log_level); },
         [](ServerOptions& o, int choice) { o.log_level = static_cast<LogLevel>(choice); },
         kLogLevels},
     .help = "The least level of log lines that are written."},

    {.name = "database_url",
     .group = kDatabase,
     .field = TextField{[](ServerOptions& o) -> std::string& { return o.database.url; },
                        IsDatabaseUrl, "postgresql://user:password@host:port/database?name=value"},
     .help = "The database; without it PGHOST or PGDATABASE, else the embedded PostgreSQL.",
     .default_note = "the embedded PostgreSQL",
     .other_variable = "DATABASE_URL",
     .secrecy = Secrecy::kSecret},
    {.name = "data_dir",
     .group = kDatabase,
     .field = TextField{[](ServerOptions& o) -> std::string& { return o.database.data_dir; },
                        IsPath, "the path of a directory"},
     .help = "Where the embedded PostgreSQL keeps its data.",
     .default_note = "/var/lib/aquifer for root, else ~/.local/share/aquifer"},
    {.name = "postgres_bindir",
     .group = kDatabase,
     .field = TextField{[](ServerOptions& o) -> std::string& { return o.database.postgres_bindir; },
                        IsPath, "the path of a directory"},
     .help = "Where the embedded PostgreSQL's programs are.",
     .default_note = "the newest that Debian's packages installed"},
    {.name = "migrate_at_start",
     .group = kDatabase,
     .field = SwitchField{[](ServerOptions& o) -> bool& { return o.migrate_at_start; }},
     .help = "Apply pending migrations before serving."},
    {.name = "connect_timeout_ms",
     .group = kDatabase,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& {
                              return o.database.connect_timeout;
                            },
                            100, 300'000},
     .help = "How long opening one connection may take."},
    {.name = "tcp_keepalive_ms",
     .group = kDatabase,
     .field =
         DurationField{[](ServerOptions& o) -> absl::Duration& { return o.database.tcp_keepalive; },
                       1000, 2 * 60 * 60 * 1000},
     .help = "How long a connection may be silent before the system asks whether it lives."},
    {.name = "tcp_user_timeout_ms",
     .group = kDatabase,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& {
                              return o.database.tcp_user_timeout;
                            },
                            1000, 2 * 60 * 60 * 1000},
     .help = "How long sent data may stay unacknowledged before a connection counts as broken."},

    {.name = "pool_min",
     .group = kPool,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.pool.min; }, 0, 1000},
     .help = "Connections kept open, and open before the server is ready.",
     .by_profile = {"2", "5", "5"}},
    {.name = "pool_max",
     .group = kPool,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.pool.max; }, 1, 1000},
     .help = "Connections at most, and threads that run calls.",
     .by_profile = {"10", "20", "50"}},
    {.name = "pool_acquire_timeout_ms",
     .group = kPool,
     .field =
         DurationField{[](ServerOptions& o) -> absl::Duration& { return o.pool.acquire_timeout; },
                       1, 600'000},
     .help = "How long a call waits for a connection, if its deadline allows."},
    {.name = "pool_idle_timeout_ms",
     .group = kPool,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& { return o.pool.idle_timeout; },
                            1000, kDayMs},
     .help = "After how long idle a connection above pool_min is closed."},
    {.name = "pool_max_life_ms",
     .group = kPool,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& { return o.pool.max_life; },
                            1000, kDayMs},
     .help = "How old a connection gets, less up to a tenth by chance."},
    {.name = "pool_max_waiters",
     .group = kPool,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.pool.max_waiters; }, 1, 100'000},
     .help = "Callers that may wait for a connection at once."},
    {.name = "pool_holder_limit_ms",
     .group = kPool,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& { return o.pool.holder_limit; },
                            10, kDayMs},
     .help = "After how long the log names a call that still holds its connection."},
    {.name = "replica_pool_max",
     .group = kPool,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.replicas.pool_max; }, 0, 1000},
     .help = "Connections at most to each host of several, for reads that allow a replica; 0 sends "
             "all to the primary."},
    {.name = "replica_look_ms",
     .group = kPool,
     .field =
         DurationField{[](ServerOptions& o) -> absl::Duration& { return o.replicas.look_interval; },
                       10, 60'000},
     .help = "How often each host of several is looked at: its role, and how far it is."},
    {.name = "replica_patience_ms",
     .group = kPool,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& { return o.replicas.patience; },
                            1, 10'000},
     .help = "How long a read waits for a replica to be as far as its token, or for a connection, "
             "before it goes to the primary."},

    {.name = "queue_capacity",
     .group = kCalls,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.queue_capacity; }, 1, 1'000'000},
     .help = "Calls that may wait for a thread; more are refused at once."},
    {.name = "queue_share_percent",
     .group = kCalls,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.queue_share_percent; }, 1, 100,
                           "percent"},
     .help = "The part of queue_capacity that one caller may fill."},
    {.name = "queue_patience_ms",
     .group = kCalls,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& { return o.queue_patience; }, 1,
                            600'000},
     .help = "How long a call waits for a thread at most, if its deadline allows."},
    {.name = "queue_max_bytes",
     .group = kCalls,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.queue_max_bytes; }, 1024,
                           1024 * 1024 * 1024, "bytes"},
     .help = "What all requests that wait for a thread may take; more are refused at once."},
    {.name = "transport_memory_bytes",
     .group = kCalls,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.transport_memory_bytes; },
                           8 * 1024 * 1024, 2'000'000'000, "bytes"},
     .help = "What gRPC may take for messages that come and go; beyond it callers have to wait."},
    {.name = "max_message_bytes",
     .group = kCalls,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.max_message_bytes; }, 1024,
                           64 * 1024 * 1024, "bytes"},
     .help = "The largest message taken. One beyond four times this is refused by gRPC, unlogged."},
    {.name = "max_streams",
     .group = kCalls,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.max_streams; }, 1, 100'000},
     .help = "Streams that may be open at once; more are refused at once."},
    {.name = "stream_patience_ms",
     .group = kCalls,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& { return o.stream_patience; },
                            100, kDayMs},
     .help = "How long a stream waits for its caller to send, or to take, the next message."},
    {.name = "transaction_attempts",
     .group = kCalls,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.transaction_attempts; }, 1, 10},
     .help = "Tries of a transaction that collides with others."},
    {.name = "ledger_keep_hours",
     .group = kCalls,
     .field = IntegerField{[](ServerOptions& o) -> int& { return o.ledger_keep_hours; }, 1, 8760,
                           "hours"},
     .help = "How long a repeat with its request_id gets the first answer, at least."},

    {.name = "health_interval_ms",
     .group = kLifecycle,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& { return o.health_interval; },
                            50, 60'000},
     .help = "How often the monitor looks at the database."},
    {.name = "shutdown_notice_ms",
     .group = kLifecycle,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& { return o.shutdown_notice; },
                            0, 300'000},
     .help = "How long a stopping server shows NOT_SERVING before it refuses calls."},
    {.name = "shutdown_drain_ms",
     .group = kLifecycle,
     .field = DurationField{[](ServerOptions& o) -> absl::Duration& { return o.shutdown_drain; }, 0,
                            600'000},
     .help = "How long running calls may take then before they are cancelled."},
};

// std::visit over several lambdas.
template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

bool ReadInteger(absl::string_view text, int least, int most, int& value) {
  int parsed = 0;
  // SimpleAtoi forgives blanks around the number; an operator's typing error is better shown.
  if (text.empty() || absl::ascii_isspace(text.front()) || absl::ascii_isspace(text.back()) ||
      !absl::SimpleAtoi(text, &parsed) || parsed < least || parsed > most) {
    return false;
  }
  value = parsed;
  return true;
}

}  // namespace

absl::Span<const OptionSpec> OptionTable() { return kTable; }

std::string FlagOf(const OptionSpec& spec) {
  return absl::StrCat("--", absl::StrReplaceAll(spec.name, {{"_", "-"}}));
}

std::string VariableOf(const OptionSpec& spec) {
  return absl::StrCat("AQUIFER_", absl::AsciiStrToUpper(spec.name));
}

std::string AllowedOf(const OptionSpec& spec) {
  return std::visit(Overloaded{
                        [](const IntegerField& field) {
                          return absl::StrCat(field.least, " to ", field.most,
                                              field.unit.empty() ? "" : " ", field.unit);
                        },
                        [](const DurationField& field) {
                          return absl::StrCat(field.least_ms, " to ", field.most_ms, " ms");
                        },
                        [](const SwitchField&) { return std::string("true or false"); },
                        [](const TextField& field) { return std::string(field.allowed); },
                        [](const ChoiceField& field) { return absl::StrJoin(field.names, ", "); },
                    },
                    spec.field);
}

bool SetOption(const OptionSpec& spec, absl::string_view text, ServerOptions& options) {
  return std::visit(Overloaded{
                        [&](const IntegerField& field) {
                          return ReadInteger(text, field.least, field.most, field.at(options));
                        },
                        [&](const DurationField& field) {
                          int ms = 0;
                          if (!ReadInteger(text, field.least_ms, field.most_ms, ms)) return false;
                          field.at(options) = absl::Milliseconds(ms);
                          return true;
                        },
                        [&](const SwitchField& field) {
                          if (text != "true" && text != "false") return false;
                          field.at(options) = text == "true";
                          return true;
                        },
                        [&](const TextField& field) {
                          if (!field.accepts(text)) return false;
                          field.at(options) = std::string(text);
                          return true;
                        },
                        [&](const ChoiceField& field) {
                          for (std::size_t i = 0; i < field.names.size(); ++i) {
                            if (text != field.names[i]) continue;
                            field.set(options, static_cast<int>(i));
                            return true;
                          }
                          return false;
                        },
                    },
                    spec.field);
}

std::string ShowOption(const OptionSpec& spec, const ServerOptions& options) {
  // The table's accessors give mutable references, so they get a copy to point into.
  ServerOptions copy = options;
  return std::visit(
      Overloaded{
          [&](const IntegerField& field) { return absl::StrCat(field.at(copy)); },
          [&](const DurationField& field) {
            return absl::StrCat(absl::ToInt64Milliseconds(field.at(copy)));
          },
          [&](const SwitchField& field) { return std::string(field.at(copy) ? "true" : "false"); },
          [&](const TextField& field) { return field.at(copy); },
          [&](const ChoiceField& field) {
            return std::string(field.names[static_cast<std::size_t>(field.get(copy))]);
          },
      },
      spec.field);
}

std::string ShowOptionRedacted(const OptionSpec& spec, const ServerOptions& options) {
  const std::string value = ShowOption(spec, options);
  return spec.secrecy == Secrecy::kSecret ? RedactUrl(value) : value;
}

}  // namespace aquifer
