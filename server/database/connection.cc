#include "server/database/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <utility>

#include "server/database/connect.h"

namespace aquifer {

ConnectionSettings SettingsFor(const DatabaseOptions& options, std::string application_name,
                               std::string time_zone) {
  ConnectionSettings settings;
  settings.url = options.url;
  settings.connect_timeout = options.connect_timeout;
  settings.tcp_keepalive = options.tcp_keepalive;
  settings.tcp_user_timeout = options.tcp_user_timeout;
  settings.application_name = std::move(application_name);
  settings.time_zone = std::move(time_zone);
  return settings;
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionSettings& settings,
                                                             absl::Time deadline,
                                                             std::string* detail) {
  absl::StatusOr<ConnectionHandle> backend = Connect(settings, deadline, detail);
  if (!backend.ok()) return backend.status();
  return std::make_unique<Connection>(backend->release());
}

Connection::Connection(pg_conn* backend)
    : backend_(backend),
      connection_(AdoptBackend(backend)),
      prepared_(*connection_),
      cancel_target_(PQgetCancel(backend), PQfreeCancel) {}

int Connection::backend_pid() const { return PQbackendPID(backend_); }

int Connection::socket() const { return PQsocket(backend_); }

bool Connection::Reusable() {
  // Idle, so whatever arrived is a notice, or the news that the backend is gone. Twice, because
  // the backend's last words come before the end of the stream.
  for (int look = 0; look < 2; ++look) {
    if (!connection_->is_open() || PQtransactionStatus(backend_) != PQTRANS_IDLE) return false;
    pollfd socket = {PQsocket(backend_), POLLIN, 0};
    if (poll(&socket, 1, 0) == 0) return true;
    if (PQconsumeInput(backend_) == 0) return false;
    (void)PQisBusy(backend_);
  }
  pollfd socket = {PQsocket(backend_), POLLIN, 0};
  return connection_->is_open() && poll(&socket, 1, 0) == 0;
}

bool Connection::InTransaction() const {
  return PQtransactionStatus(backend_) == PQTRANS_INTRANS || InFailedTransaction();
}

bool Connection::InFailedTransaction() const {
  return PQtransactionStatus(backend_) == PQTRANS_INERROR;
}

}  // namespace aquifer
