#include "server/database/connect.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/string_view.h>
#include <absl/time/clock.h>
#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "server/database/database_hosts.h"
#include "server/database/sql_status.h"

namespace aquifer {
namespace {

using Conninfo = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

Conninfo Parse(const std::string& url) {
  return Conninfo(PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
}

// The text of one option of `url`; empty if it does not set it.
std::string OptionIn(const std::string& url, absl::string_view keyword) {
  const Conninfo parsed = Parse(url);
  for (const auto* option = parsed.get(); option && option->keyword; ++option) {
    if (option->keyword == keyword && option->val) return option->val;
  }
  return "";
}

// `-c name=value` with the value escaped as libpq's options want it.
std::string Setting(absl::string_view name, absl::string_view value) {
  return absl::StrCat(" -c ", name, "=",
                      absl::StrReplaceAll(value, {{"\\", "\\\\"}, {" ", "\\ "}}));
}

// Defaults first, so that the user's options win; the style and the zone of times last, because how
// they are read rests on them. A session must not sit in a transaction: whatever kept it there has
// died.
std::string SessionOptions(const ConnectionSettings& settings, const std::string& time_zone) {
  std::string users = OptionIn(settings.url, "options");
  if (const char* environment = std::getenv("PGOPTIONS"); users.empty() && environment) {
    users = environment;
  }
  return absl::StrCat(
      Setting("idle_in_transaction_session_timeout", "60s"), Setting("lock_timeout", "10s"),
      Setting("default_transaction_isolation", "read committed"),
      // Statements that change lines mark their days themselves (collection_rollup_sql.h).
      Setting("aquifer.marks", "statement"),
      // Compiling a plan costs more than any statement of ours gains by it.
      Setting("jit", "off"),
      // Each statement has one plan that does for all parameters; to make one for every call may
      // cost more than to run it.
      Setting("plan_cache_mode", "force_generic_plan"), Setting("IntervalStyle", "iso_8601"),
      users.empty() ? "" : " ", users, Setting("DateStyle", "ISO"), Setting("TimeZone", time_zone));
}

// libpq's keywords and values; later ones override those before, so the URL stands between our
// defaults and what must hold.
struct Parameters {
  std::vector<std::string> keys;
  std::vector<std::string> values;
  void Add(absl::string_view key, absl::string_view value) {
    keys.emplace_back(key);
    values.emplace_back(value);
  }
};

Parameters ParametersOf(const ConnectionSettings& settings, const std::string& url,
                        const std::string& time_zone) {
  const auto keepalive = absl::ToInt64Seconds(settings.tcp_keepalive);
  Parameters parameters;
  parameters.Add("application_name", settings.application_name.substr(0, 63));
  parameters.Add("keepalives", "1");
  parameters.Add("keepalives_idle", absl::StrCat(keepalive));
  parameters.Add("keepalives_interval", absl::StrCat(std::max<std::int64_t>(1, keepalive / 3)));
  parameters.Add("keepalives_count", "3");
  parameters.Add("tcp_user_timeout",
                 absl::StrCat(absl::ToInt64Milliseconds(settings.tcp_user_timeout)));
  parameters.Add("dbname", url);
  parameters.Add("client_encoding", "UTF8");
  parameters.Add("options", SessionOptions(settings, time_zone));
  return parameters;
}

ConnectionHandle Start(const Parameters& parameters) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const std::string& key : parameters.keys) keys.push_back(key.c_str());
  for (const std::string& value : parameters.values) values.push_back(value.c_str());
  keys.push_back(nullptr);
  values.push_back(nullptr);
  ConnectionHandle backend(PQconnectStartParams(keys.data(), values.data(), /*expand_dbname=*/1));
  // An error while connecting has no SQLSTATE of its own in libpq; with this verbosity the message
  // consists of it, and of nothing that could be somebody's secret.
  if (backend) PQsetErrorVerbosity(backend.get(), PQERRORS_SQLSTATE);
  return backend;
}

// Drives the handshake. Whether it ended before `deadline`, well or badly.
bool Finish(PGconn* backend, absl::Time deadline) {
  PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
  while (PQstatus(backend) != CONNECTION_BAD) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd socket = {
        PQsocket(backend),
        static_cast<decltype(pollfd::events)>(wants == PGRES_POLLING_READING ? POLLIN : POLLOUT),
        0};
    const auto wait_ms = std::min<std::int64_t>(absl::ToInt64Milliseconds(left) + 1, 60'000);
    if (poll(&socket, 1, static_cast<int>(wait_ms)) == 0) continue;
    wants = PQconnectPoll(backend);
    if (wants == PGRES_POLLING_OK || wants == PGRES_POLLING_FAILED) return true;
  }
  return true;
}

// The code at the end of "...FATAL:  28P01"; empty if the server never answered.
std::string SqlStateIn(absl::string_view message) {
  message = absl::StripTrailingAsciiWhitespace(message);
  const std::size_t at = message.rfind(":  ");
  if (at == absl::string_view::npos || message.size() - at != 8) return "";
  const absl::string_view state = message.substr(at + 3);
  const bool code = std::all_of(state.begin(), state.end(), [](char c) {
    return absl::ascii_isdigit(c) || absl::ascii_isupper(c);
  });
  return code ? std::string(state) : "";
}

std::string TwinOf(absl::string_view time_zone) {
  if (time_zone == "Europe/Kyiv") return "Europe/Kiev";
  if (time_zone == "Europe/Kiev") return "Europe/Kyiv";
  return "";
}

constexpr absl::string_view kInvalidSetting = "22023";

struct Attempt {
  ConnectionHandle backend;
  bool in_time = false;
  std::string sqlstate;
  bool connected() const { return in_time && backend && PQstatus(backend.get()) == CONNECTION_OK; }
};

Attempt TryHost(const ConnectionSettings& settings, const std::string& url,
                const std::string& time_zone, absl::Time deadline) {
  Attempt attempt;
  attempt.backend = Start(ParametersOf(settings, url, time_zone));
  if (!attempt.backend) return attempt;
  attempt.in_time = Finish(attempt.backend.get(), deadline);
  if (attempt.in_time && !attempt.connected()) {
    attempt.sqlstate = SqlStateIn(PQerrorMessage(attempt.backend.get()));
  }
  return attempt;
}

// What a host gets to answer in, while there is another to try.
constexpr absl::Duration kHostPatience = absl::Seconds(1);

// Each host in turn, from the one that was right last.
Attempt Try(const ConnectionSettings& settings, const std::string& time_zone, absl::Time deadline) {
  const std::vector<std::string> urls = UrlsByHost(settings.url);
  const std::size_t first = *settings.last_host;
  Attempt attempt;
  for (std::size_t tried = 0; tried < urls.size(); ++tried) {
    const std::size_t host = (first + tried) % urls.size();
    const auto left = static_cast<std::int64_t>(urls.size() - tried);
    absl::Duration share = (deadline - absl::Now()) / left;
    if (left > 1) share = std::min(share, kHostPatience);
    attempt = TryHost(settings, urls[host], time_zone, absl::Now() + share);
    if (attempt.connected()) *settings.last_host = host;
    // Another host would say the same of a wrong setting.
    if (attempt.connected() || attempt.sqlstate == kInvalidSetting) break;
  }
  return attempt;
}

absl::Status FailureOf(const Attempt& attempt, const ConnectionSettings& settings) {
  if (attempt.sqlstate == kInvalidSetting) {
    return MakeError(Reason::kSettingRefused,
                     absl::StrCat("the database does not know the time_zone ", settings.time_zone,
                                  ", or refuses a setting in the options of database_url"),
                     {{"sqlstate", attempt.sqlstate}});
  }
  const Reason reason = ReasonOfSqlState(attempt.sqlstate);
  if (reason == Reason::kDatabaseRefused || reason == Reason::kDatabaseUnavailable) {
    return SqlStatus({attempt.sqlstate, ""}, "");
  }
  ErrorMetadata metadata;
  if (!attempt.sqlstate.empty()) metadata.emplace_back("sqlstate", attempt.sqlstate);
  return MakeError(
      Reason::kDatabaseUnavailable,
      attempt.in_time ? "the database cannot be reached" : "the database did not answer in time",
      metadata);
}

// A PGTZ in the environment, or a pooler that drops startup options, would leave another zone.
bool ZoneHolds(PGconn* backend, absl::string_view time_zone) {
  const char* reported = PQparameterStatus(backend, "TimeZone");
  return reported && absl::EqualsIgnoreCase(reported, time_zone);
}

bool SetZone(PGconn* backend, const std::string& time_zone) {
  const char* values[] = {time_zone.c_str()};
  const ResultHandle result(
      PQexecParams(backend, "SELECT pg_catalog.set_config('TimeZone', $1::text, false)", 1, nullptr,
                   values, nullptr, nullptr, 0));
  return PQresultStatus(result.get()) == PGRES_TUPLES_OK;
}

}  // namespace

absl::StatusOr<ConnectionHandle> Connect(const ConnectionSettings& settings, absl::Time deadline,
                                         std::string* detail) {
  // libpq's own message about it repeats the URL, password and all.
  if (!Parse(settings.url)) {
    return MakeError(Reason::kSettingRefused, "database_url is not a URL that libpq understands");
  }
  const absl::Time patience = absl::Now() + settings.connect_timeout;
  const absl::Time until = std::min(deadline, patience);
  std::string time_zone = settings.time_zone;
  Attempt attempt = Try(settings, time_zone, until);
  if (const std::string twin = TwinOf(time_zone);
      attempt.sqlstate == kInvalidSetting && !twin.empty()) {
    time_zone = twin;
    attempt = Try(settings, time_zone, until);
  }
  if (attempt.connected()) {
    if (ZoneHolds(attempt.backend.get(), time_zone) || SetZone(attempt.backend.get(), time_zone)) {
      return std::move(attempt.backend);
    }
    attempt.sqlstate = std::string(kInvalidSetting);
  }
  if (detail && attempt.backend) *detail = PQerrorMessage(attempt.backend.get());
  if (!attempt.in_time && deadline < patience) {
    return MakeError(Reason::kDeadlineExceeded, "the deadline passed while connecting");
  }
  return FailureOf(attempt, settings);
}

}  // namespace aquifer
