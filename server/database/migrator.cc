#include "server/database/migrator.h"

#include <absl/strings/str_cat.h>

#include <pqxx/pqxx>

namespace aquifer {

absl::Status Migrator::Up() {
  try {
    pqxx::connection connection(url_);
    pqxx::work transaction(connection);
    transaction.exec("CREATE SCHEMA IF NOT EXISTS aquifer");
    for (const Migration& migration : migrations_) {
      transaction.exec(std::string(migration.up_sql));
    }
    transaction.commit();
  } catch (const pqxx::failure& error) {
    return absl::InternalError(absl::StrCat("migration failed: ", error.what()));
  }
  return absl::OkStatus();
}

}  // namespace aquifer
