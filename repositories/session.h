// An open transaction as SQL code sees it: run a named statement with bound parameters. No commit,
// no pool, no connection: whoever made the session decides those.
#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <unordered_set>

#include "repositories/pqxx_compat.h"

namespace aquifer {

// A statement of ours. Both texts are literals that live for ever; the name is unique in the
// program and shows in logs, metrics and the list of slow statements.
struct Statement {
  const char* name;
  const char* sql;
};

// The statements one connection has prepared. Lives as long as that connection's backend.
class PreparedStatements {
 public:
  explicit PreparedStatements(PqxxConnection& connection) : connection_(connection) {}

  // Prepares `statement` on its first use here and returns the name to execute it by.
  std::string Ensure(const Statement& statement);

  // Drops every prepared statement, here and in the backend, whether or not the backend still
  // knows them. Only between transactions.
  void Reset();

 private:
  PqxxConnection& connection_;
  // How often everything was dropped.
  int generation_ = 0;
  std::unordered_set<std::string> names_;
};

// Every statement passes it, and leaves by it.
class StatementGate {
 public:
  virtual ~StatementGate() = default;
  // The statement is about to run. Throws if the transaction is no longer wanted.
  virtual void Enter(const Statement& statement) = 0;
  // The statement succeeded.
  virtual void Leave(const Statement& statement) = 0;
};

// One open transaction. Used by one thread; borrowed by a repository for as long as it runs.
//
// Run lets pqxx exceptions fly: the transaction runner is the only one to catch them.
class Session {
 public:
  // `gate`, where there is one, must outlive the session.
  Session(pqxx::transaction_base& transaction, PreparedStatements& prepared,
          StatementGate* gate = nullptr)
      : transaction_(transaction), prepared_(prepared), gate_(gate) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Executes `statement` with `args` as $1, $2, ... An std::optional without a value is NULL.
  template <typename... Args>
  pqxx::result Run(const Statement& statement, const Args&... args) {
    if (gate_ != nullptr) gate_->Enter(statement);
    current_ = &statement;
    pqxx::result result = transaction_.exec_prepared(prepared_.Ensure(statement), args...);
    if (gate_ != nullptr) gate_->Leave(statement);
    Count(result);
    return result;
  }

  // Which write of a transaction of many runs, for whoever names its error; none elsewhere.
  std::optional<int> write() const { return write_; }
  void set_write(int index) { write_ = index; }

  // The statement that ran last, or is running; null before the first.
  const Statement* current() const { return current_; }
  // How many rows all statements returned or changed.
  std::int64_t rows() const { return rows_; }

 private:
  void Count(const pqxx::result& result);

  pqxx::transaction_base& transaction_;
  PreparedStatements& prepared_;
  StatementGate* const gate_;
  std::optional<int> write_;
  const Statement* current_ = nullptr;
  std::int64_t rows_ = 0;
};

}  // namespace aquifer
