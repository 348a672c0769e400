// From an SQL error to an error of the catalogue: one table, by SQLSTATE.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <exception>
#include <string>

#include "repositories/errors.h"

namespace aquifer {

// What is known of an error, without its text: that may hold values.
struct SqlError {
  // Five characters; empty if the exception was not the database's.
  std::string sqlstate;
  // The name of the constraint that was broken, if one was.
  std::string constraint;
};

// By the exception's type first, its SQLSTATE second: libpqxx 6 gives several types none.
SqlError DescribeSqlError(const std::exception& exception);

// The reason for `sqlstate`: the exact entry, else its class's, else INTERNAL.
Reason ReasonOfSqlState(absl::string_view sqlstate);

// The status to answer with. `statement` is the name of the statement that ran; may be empty.
absl::Status SqlStatus(const SqlError& error, absl::string_view statement);

// 40001, 40P01: the transaction collided with another and may run again from the start.
bool IsCollision(const SqlError& error);
// 26000, 0A000: a prepared statement is gone, or its result changed shape.
bool IsStalePlan(const SqlError& error);
// 08xxx: the link broke.
bool IsBroken(const SqlError& error);

}  // namespace aquifer
