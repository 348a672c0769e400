#include "server/database/sql_status.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <pqxx/pqxx>

namespace aquifer {
namespace {

struct Mapping {
  // A whole SQLSTATE, or the two characters of a class.
  absl::string_view state;
  Reason reason;
  absl::string_view says;
};

// A whole code wins over its class, whatever the order.
constexpr Mapping kMappings[] = {
    {"08", Reason::kDatabaseUnavailable, "the connection to the database broke"},
    {"57P", Reason::kDatabaseUnavailable, "the database is stopping or starting"},
    {"53300", Reason::kDatabaseUnavailable, "the database has no connection slot left"},
    {"25006", Reason::kDatabaseUnavailable, "the database is read-only now"},
    {"28", Reason::kDatabaseRefused, "the database refuses the server's role or password"},
    {"3D000", Reason::kDatabaseRefused, "the database does not exist"},
    {"42501", Reason::kDatabaseRefused, "the server's role lacks a privilege"},
    {"53100", Reason::kDatabaseFull, "the database's disk is full"},
    {"53200", Reason::kDatabaseFull, "the database has no memory or lock space left"},
    {"53", Reason::kDatabaseFull, "the database has a resource used up"},
    {"3F000", Reason::kSchemaMismatch, "the schema is missing"},
    {"42P01", Reason::kSchemaMismatch, "a table is missing"},
    {"42703", Reason::kSchemaMismatch, "a column is missing"},
    {"42704", Reason::kSchemaMismatch, "a type or other object is missing"},
    {"42883", Reason::kSchemaMismatch, "a function is missing"},
    {"40", Reason::kTransactionConflict, "the transaction collided with another"},
    {"40003", Reason::kCommitInDoubt, "it is not known whether the transaction committed"},
    {"55P03", Reason::kTransactionConflict, "a lock is held by another transaction"},
    {"23", Reason::kConstraintViolated, "the write breaks a rule of the database"},
    {"22", Reason::kInvalidFields, "the database refuses a value of the request"},
    {"57014", Reason::kDeadlineExceeded, "the statement was cancelled at the deadline"},
};

const Mapping* Find(absl::string_view sqlstate) {
  const Mapping* found = nullptr;
  for (const Mapping& mapping : kMappings) {
    if (absl::StartsWith(sqlstate, mapping.state) &&
        (found == nullptr || mapping.state.size() > found->state.size())) {
      found = &mapping;
    }
  }
  return found;
}

// Where libpqxx 6 gives a type instead of a code. Derived types before their bases.
template <typename Exception>
bool Is(const std::exception& exception) {
  return dynamic_cast<const Exception*>(&exception) != nullptr;
}

absl::string_view StateOfType(const std::exception& exception) {
  if (Is<pqxx::in_doubt_error>(exception)) return "40003";
  if (Is<pqxx::statement_completion_unknown>(exception)) return "40003";
  if (Is<pqxx::serialization_failure>(exception)) return "40001";
  if (Is<pqxx::deadlock_detected>(exception)) return "40P01";
  if (Is<pqxx::transaction_rollback>(exception)) return "40000";
  if (Is<pqxx::too_many_connections>(exception)) return "53300";
  if (Is<pqxx::broken_connection>(exception)) return "08006";
  if (Is<pqxx::insufficient_privilege>(exception)) return "42501";
  if (Is<pqxx::undefined_table>(exception)) return "42P01";
  if (Is<pqxx::undefined_column>(exception)) return "42703";
  if (Is<pqxx::undefined_function>(exception)) return "42883";
  if (Is<pqxx::invalid_sql_statement_name>(exception)) return "26000";
  if (Is<pqxx::feature_not_supported>(exception)) return "0A000";
  if (Is<pqxx::unique_violation>(exception)) return "23505";
  if (Is<pqxx::foreign_key_violation>(exception)) return "23503";
  if (Is<pqxx::not_null_violation>(exception)) return "23502";
  if (Is<pqxx::check_violation>(exception)) return "23514";
  if (Is<pqxx::integrity_constraint_violation>(exception)) return "23000";
  if (Is<pqxx::data_exception>(exception)) return "22000";
  if (Is<pqxx::disk_full>(exception)) return "53100";
  if (Is<pqxx::out_of_memory>(exception)) return "53200";
  if (Is<pqxx::insufficient_resources>(exception)) return "53000";
  return "";
}

// Connections ask for verbose errors, which end in lines of their own for the names of the objects
// concerned. The last such line is libpq's, whatever a value in a DETAIL above it may imitate.
std::string ConstraintIn(absl::string_view text) {
  constexpr absl::string_view kLabel = "\nCONSTRAINT NAME:  ";
  const std::size_t at = text.rfind(kLabel);
  if (at == absl::string_view::npos) return "";
  text.remove_prefix(at + kLabel.size());
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

SqlError DescribeSqlError(const std::exception& exception) {
  SqlError error;
  error.sqlstate = std::string(StateOfType(exception));
  if (const auto* sql = dynamic_cast<const pqxx::sql_error*>(&exception)) {
    if (!sql->sqlstate().empty()) error.sqlstate = sql->sqlstate();
  }
  if (absl::StartsWith(error.sqlstate, "23")) error.constraint = ConstraintIn(exception.what());
  return error;
}

Reason ReasonOfSqlState(absl::string_view sqlstate) {
  const Mapping* mapping = Find(sqlstate);
  return mapping == nullptr ? Reason::kInternal : mapping->reason;
}

absl::Status SqlStatus(const SqlError& error, absl::string_view statement) {
  const Mapping* mapping = Find(error.sqlstate);
  std::string message(mapping == nullptr ? "a statement failed" : mapping->says);
  if (!error.constraint.empty()) absl::StrAppend(&message, ": ", error.constraint);
  ErrorMetadata metadata;
  if (!statement.empty()) metadata.emplace_back("statement", std::string(statement));
  if (!error.sqlstate.empty()) metadata.emplace_back("sqlstate", error.sqlstate);
  if (!error.constraint.empty()) metadata.emplace_back("constraint", error.constraint);
  return MakeError(mapping == nullptr ? Reason::kInternal : mapping->reason, message, metadata);
}

bool IsCollision(const SqlError& error) {
  return error.sqlstate == "40001" || error.sqlstate == "40P01";
}

bool IsStalePlan(const SqlError& error) {
  return error.sqlstate == "26000" || error.sqlstate == "0A000";
}

bool IsBroken(const SqlError& error) { return absl::StartsWith(error.sqlstate, "08"); }

}  // namespace aquifer
