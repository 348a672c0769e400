// What differs between libpqxx 6 (Debian 12) and 7 (Debian 13, Ubuntu 24.04), in one place.
#pragma once

#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <utility>

struct pg_conn;

namespace aquifer {

#if PQXX_VERSION_MAJOR >= 7

using PqxxConnection = pqxx::connection;

inline void PrepareNow(PqxxConnection& connection, const std::string& name, const char* sql) {
  connection.prepare(name, sql);
}

using AdoptedConnection = pqxx::connection;

// A connection around an open libpq handle, which it owns from here on.
inline std::unique_ptr<AdoptedConnection> AdoptBackend(pg_conn* backend) {
  auto connection =
      std::make_unique<AdoptedConnection>(AdoptedConnection::seize_raw_connection(backend));
  connection->set_verbosity(pqxx::error_verbosity::verbose);
  return connection;
}

#else

using PqxxConnection = pqxx::connection_base;

// libpqxx 6 defers the PREPARE until first use unless it is told otherwise.
inline void PrepareNow(PqxxConnection& connection, const std::string& name, const char* sql) {
  connection.prepare(name, sql);
  connection.prepare_now(name);
}

// libpqxx 6 leaves connecting to a policy; this one hands over an open handle, once.
class AdoptedBackend : public pqxx::connectionpolicy {
 public:
  explicit AdoptedBackend(pg_conn* backend) : pqxx::connectionpolicy(""), backend_(backend) {}
  // Asked twice: once for a handle, once whether that one will do.
  handle do_startconnect(handle had) override {
    return had != nullptr ? had : std::exchange(backend_, nullptr);
  }

 private:
  handle backend_;
};

class AdoptedConnection final : private AdoptedBackend, public pqxx::connection_base {
 public:
  explicit AdoptedConnection(pg_conn* backend)
      : AdoptedBackend(backend), pqxx::connection_base(static_cast<AdoptedBackend&>(*this)) {
    init();
  }
  ~AdoptedConnection() override { close(); }
};

#include <pqxx/internal/ignore-deprecated-pre.hxx>

// A connection around an open libpq handle, which it owns from here on. It never reconnects by
// itself, as libpqxx 6 otherwise does, silently and without the session's settings.
inline std::unique_ptr<AdoptedConnection> AdoptBackend(pg_conn* backend) {
  auto connection = std::make_unique<AdoptedConnection>(backend);
  connection->inhibit_reactivation(true);
  connection->set_verbosity(pqxx::connection_base::verbose);
  return connection;
}

#include <pqxx/internal/ignore-deprecated-post.hxx>

#endif

}  // namespace aquifer
