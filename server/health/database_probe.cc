#include "server/health/database_probe.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <utility>

#include "repositories/errors.h"
#include "repositories/session.h"
#include "server/health/monotonic_clock.h"

namespace aquifer {
namespace {

using PollEvents = decltype(pollfd::events);

// A statement that names a missing table fails when it is parsed, so the version is asked for by
// query_to_xml, which parses its text only where the CASE lets it. Before the first migration the
// answer is 0.
constexpr Statement kLook = {"health.look", R"sql(
SELECT split_part(current_setting('server_version'), ' ', 1),
       pg_is_in_recovery(),
       CASE WHEN to_regclass('aquifer.schema_migrations') IS NULL THEN 0
            ELSE coalesce(substring(
                   query_to_xml($$SELECT max(version) AS v
                                    FROM aquifer.schema_migrations
                                   WHERE state = 'applied'$$,
                                false, true, '')::text
                   FROM '<v>(\d+)</v>')::int, 0)
       END,
       current_setting('max_connections')::int,
       (SELECT count(*)
          FROM pg_stat_activity
         WHERE backend_type = 'client backend')::int
)sql"};

// A look that was given up must not stay behind on the server.
constexpr Statement kSetTimeout = {"health.set_timeout", R"sql(
SELECT set_config('statement_timeout', $1, false)
)sql"};

absl::Status Unavailable(absl::string_view why) {
  return MakeError(Reason::kDatabaseUnavailable, why);
}

// What went wrong, out of libpq's message: its first line, since the rest is advice for somebody at
// a terminal, without the address, which is not for everyone who may see the status.
absl::string_view Cause(absl::string_view text) {
  text = text.substr(0, text.find('\n'));
  constexpr absl::string_view kAddressEnd = " failed: ";
  const std::size_t address_end = text.find(kAddressEnd);
  if (address_end != absl::string_view::npos) text.remove_prefix(address_end + kAddressEnd.size());
  return absl::StripAsciiWhitespace(text);
}

// Takes the SQLSTATE out of a verbose message: "FATAL:  28P01: password ..." loses "28P01: ".
std::string TakeSqlState(std::string& words) {
  const std::string mark = ":  ";
  constexpr std::size_t kLength = 5;
  const std::size_t at = words.find(mark);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + mark.size();
  if (words.size() < begin + kLength + 2 || words.compare(begin + kLength, 2, ": ") != 0) return "";
  std::string state = words.substr(begin, kLength);
  words.erase(begin, kLength + 2);
  return state;
}

bool IsRefusal(absl::string_view sqlstate) {
  return absl::StartsWith(sqlstate, "28") || sqlstate == "3D000";
}

int IntOf(const PGresult* result, int column) {
  int number = 0;
  return absl::SimpleAtoi(PQgetvalue(result, 0, column), &number) ? number : 0;
}

}  // namespace

DatabaseProbe::DatabaseProbe(DatabaseProbeOptions options)
    : options_(std::move(options)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

DatabaseProbe::~DatabaseProbe() {
  if (wake_ >= 0) close(wake_);
}

absl::StatusOr<DatabaseFacts> DatabaseProbe::Look() {
  const absl::Duration deadline = MonotonicNow() + options_.look_timeout;
  if (connection_ == nullptr) {
    absl::Status connected = Connect(deadline);
    if (!connected.ok()) {
      connection_.reset();
      host_ = (host_ + 1) % options_.urls.size();
      return connected;
    }
  }
  const absl::Duration asked = MonotonicNow();
  absl::StatusOr<ResultHandle> result = Query(kLook.sql, nullptr, deadline);
  if (!result.ok()) return result.status();

  DatabaseFacts facts;
  facts.latency = MonotonicNow() - asked;
  facts.version = PQgetvalue(result->get(), 0, 0);
  facts.role = absl::string_view(PQgetvalue(result->get(), 0, 1)) == "t" ? DatabaseRole::kStandby
                                                                         : DatabaseRole::kPrimary;
  facts.schema_version = IntOf(result->get(), 2);
  facts.max_connections = IntOf(result->get(), 3);
  facts.connections = IntOf(result->get(), 4);
  return facts;
}

void DatabaseProbe::Pause(absl::Duration pause) {
  const absl::Duration deadline = MonotonicNow() + pause;
  const int socket = connection_ == nullptr ? -1 : PQsocket(connection_.get());
  // What the server says unasked is read and waited over, until it hangs up: that ends the pause,
  // so that the next look sees it at once.
  while (Poll(socket, POLLIN, deadline) == Woken::kSocket) {
    if (PQconsumeInput(connection_.get()) != 1) return;
    PQisBusy(connection_.get());
  }
}

void DatabaseProbe::Interrupt() {
  interrupted_ = true;
  const std::uint64_t one = 1;
  // Can only fail if it has been interrupted 2^64 times, or has no descriptor.
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
}

absl::Status DatabaseProbe::Connect(absl::Duration deadline) {
  // Entries after the first override what the URL says. The timeouts bound what the kernel does
  // for us; the deadline bounds the rest.
  const std::array<const char*, 7> keys = {
      "dbname",           "application_name", "keepalives", "keepalives_idle",
      "tcp_user_timeout", "client_encoding",  nullptr};
  const std::string user_timeout = absl::StrCat(absl::ToInt64Milliseconds(options_.look_timeout));
  const std::array<const char*, 7> values = {options_.urls[host_].c_str(),
                                             options_.application_name.c_str(),
                                             "1",
                                             "5",
                                             user_timeout.c_str(),
                                             "UTF8",
                                             nullptr};
  connection_.reset(PQconnectStartParams(keys.data(), values.data(), /*expand_dbname=*/1));
  if (connection_ == nullptr) return Unavailable("out of memory");
  // The only way to an SQLSTATE while connecting.
  PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
  if (PQstatus(connection_.get()) == CONNECTION_BAD) return Failure();

  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    absl::Status ready = AwaitSocket(next == PGRES_POLLING_WRITING ? POLLOUT : POLLIN, deadline);
    if (!ready.ok()) return ready;
    next = PQconnectPoll(connection_.get());
    if (next == PGRES_POLLING_FAILED) return Failure();
  }
  PQsetnonblocking(connection_.get(), 1);
  // Libpq would print notices to standard error, where each line is a JSON object.
  PQsetNoticeReceiver(
      connection_.get(), [](void*, const PGresult*) {}, nullptr);
  // Ends on the server before it ends here, which keeps the connection.
  const std::string timeout =
      absl::StrCat(absl::ToInt64Milliseconds(options_.look_timeout * 3 / 4));
  return Query(kSetTimeout.sql, timeout.c_str(), deadline).status();
}

absl::StatusOr<ResultHandle> DatabaseProbe::Query(const char* sql, const char* parameter,
                                                  absl::Duration deadline) {
  PGconn* const connection = connection_.get();
  const auto give_up = [this](absl::Status status) {
    connection_.reset();
    return status;
  };
  if (PQsendQueryParams(connection, sql, parameter == nullptr ? 0 : 1, nullptr, &parameter, nullptr,
                        nullptr, /*resultFormat=*/0) != 1) {
    return give_up(Failure());
  }
  for (int flushed = PQflush(connection); flushed != 0; flushed = PQflush(connection)) {
    if (flushed < 0) return give_up(Failure());
    // The server's output is read meanwhile, or both sides could wait for each other.
    absl::Status ready = AwaitSocket(POLLIN | POLLOUT, deadline);
    if (!ready.ok()) return give_up(ready);
    if (PQconsumeInput(connection) != 1) return give_up(Failure());
  }

  ResultHandle answer;
  while (true) {
    while (PQisBusy(connection) == 1) {
      absl::Status ready = AwaitSocket(POLLIN, deadline);
      if (!ready.ok()) return give_up(ready);
      if (PQconsumeInput(connection) != 1) return give_up(Failure());
    }
    ResultHandle part(PQgetResult(connection));
    if (part == nullptr) break;
    if (answer == nullptr || PQresultStatus(part.get()) != PGRES_TUPLES_OK) {
      answer = std::move(part);
    }
  }
  if (answer != nullptr && PQresultStatus(answer.get()) == PGRES_TUPLES_OK &&
      PQntuples(answer.get()) == 1) {
    return answer;
  }
  const char* words =
      answer == nullptr ? nullptr : PQresultErrorField(answer.get(), PG_DIAG_MESSAGE_PRIMARY);
  absl::Status failure = words == nullptr ? Failure() : Unavailable(words);
  // A statement may fail and the link be sound.
  if (PQstatus(connection) != CONNECTION_OK) return give_up(failure);
  return failure;
}

absl::Status DatabaseProbe::AwaitSocket(int events, absl::Duration deadline) {
  switch (Poll(PQsocket(connection_.get()), events, deadline)) {
    case Woken::kSocket:
      return absl::OkStatus();
    case Woken::kTime:
      return Unavailable(
          absl::StrCat("no answer within ", absl::FormatDuration(options_.look_timeout)));
    case Woken::kInterrupt:
      break;
  }
  return MakeError(Reason::kCancelled, "the monitor stops");
}

DatabaseProbe::Woken DatabaseProbe::Poll(int socket, int events, absl::Duration deadline) {
  // poll passes over negative descriptors.
  std::array<pollfd, 2> watched = {pollfd{socket, static_cast<PollEvents>(events), 0},
                                   pollfd{wake_, POLLIN, 0}};
  while (true) {
    if (interrupted_) return Woken::kInterrupt;
    const absl::Duration left = deadline - MonotonicNow();
    if (left <= absl::ZeroDuration()) return Woken::kTime;
    // One more than the whole milliseconds, so that the last one is slept and not spun.
    const int ready =
        poll(watched.data(), watched.size(), static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
    if (ready > 0 && watched[0].revents != 0 && !interrupted_) return Woken::kSocket;
  }
}

absl::Status DatabaseProbe::Failure() const {
  std::string words(Cause(PQerrorMessage(connection_.get())));
  const std::string sqlstate = TakeSqlState(words);
  if (words.empty()) words = "the connection was lost";
  return IsRefusal(sqlstate) ? MakeError(Reason::kDatabaseRefused, words) : Unavailable(words);
}

}  // namespace aquifer
