#include "repositories/session.h"

namespace aquifer {

std::string PreparedStatements::Ensure(const Statement& statement) {
  auto [name, inserted] = names_.insert(statement.name);
  if (inserted) {
    try {
      PrepareNow(connection_, *name, statement.sql);
    } catch (...) {
      names_.erase(name);
      throw;
    }
  }
  return *name;
}

void PreparedStatements::Reset() {
  for (const std::string& name : names_) connection_.unprepare(name);
  names_.clear();
}

void Session::Count(const pqxx::result& result) {
  rows_ += result.empty() ? static_cast<std::int64_t>(result.affected_rows())
                          : static_cast<std::int64_t>(result.size());
}

}  // namespace aquifer
