#include "repositories/session.h"

namespace aquifer {

std::string PreparedStatements::Ensure(const Statement& statement) {
  // libpqxx remembers the names it prepared and would not prepare one again, so a name that was
  // dropped behind its back comes again under another.
  auto [name, inserted] = names_.insert(
      generation_ == 0 ? statement.name : statement.name + ("#" + std::to_string(generation_)));
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
  names_.clear();
  ++generation_;
  pqxx::nontransaction(connection_).exec("DEALLOCATE ALL");
}

void Session::Count(const pqxx::result& result) {
  rows_ += result.empty() ? static_cast<std::int64_t>(result.affected_rows())
                          : static_cast<std::int64_t>(result.size());
}

}  // namespace aquifer
