// What differs between libpqxx 6 (Debian 12) and 7 (Debian 13, Ubuntu 24.04), in one place.
#pragma once

#include <pqxx/pqxx>
#include <string>

namespace aquifer {

#if PQXX_VERSION_MAJOR >= 7

using PqxxConnection = pqxx::connection;

inline void PrepareNow(PqxxConnection& connection, const std::string& name, const char* sql) {
  connection.prepare(name, sql);
}

#else

using PqxxConnection = pqxx::connection_base;

// libpqxx 6 defers the PREPARE until first use unless it is told otherwise.
inline void PrepareNow(PqxxConnection& connection, const std::string& name, const char* sql) {
  connection.prepare(name, sql);
  connection.prepare_now(name);
}

#endif

}  // namespace aquifer
