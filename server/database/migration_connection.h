// The migrator's own connection: one session from the lock to the last record.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <utility>

#include "repositories/session.h"
#include "server/database/connection.h"

namespace aquifer {

// Used by one thread. Every method answers pqxx exceptions as a status whose message is the
// first line of the database's and the SQLSTATE, without values of rows: ABORTED if a lock was not
// to be had in time or a deadlock was broken (the same again may succeed), UNAVAILABLE if the
// connection is gone, FAILED_PRECONDITION otherwise.
class MigrationConnection {
 public:
  // Connects; a statement will wait for a lock no longer than `lock_timeout`, and may run as long
  // as it takes.
  static absl::StatusOr<std::unique_ptr<MigrationConnection>> Open(
      const ConnectionSettings& settings, absl::Duration lock_timeout);

  // Runs `body` in a transaction and commits it.
  absl::Status Transact(absl::FunctionRef<void(pqxx::transaction_base&, Session&)> body);
  // Runs one statement outside a transaction.
  absl::Status Execute(const std::string& sql);

  // Waits for the lock that only one migrator of a database can hold; DEADLINE_EXCEEDED names who
  // holds it. Held until the connection closes.
  absl::Status Lock(absl::Time deadline);

 private:
  explicit MigrationConnection(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  const std::unique_ptr<Connection> connection_;
};

}  // namespace aquifer
