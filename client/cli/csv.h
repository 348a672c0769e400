// CSV as RFC 4180 has it, in UTF-8: fields between commas, quoted where they hold a comma, a quote
// or a line break, a quote within them doubled.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>
#include <vector>

#include "client/cli/counted_input.h"

namespace aquifer::cli {

struct CsvRecord {
  // The line on which it begins, from 1.
  std::int64_t line = 0;
  std::vector<std::string> fields;
  // What is wrong with it; then its fields mean nothing.
  absl::Status status;
};

// Reads records, each ended by LF, CRLF or the end of the file; empty lines are passed over, and so
// is a byte order mark at the beginning. Strict: a quote within a field that is not quoted, text
// behind a closing quote, a quote that is never closed, a lone CR and bytes that are not UTF-8 make
// the record bad, and the next one begins on the next line.
class CsvReader {
 public:
  explicit CsvReader(CountedInput& input) : input_(input) {}

  // Whether there was another record.
  bool Next(CsvRecord& record);

 private:
  // What ended a field.
  enum class End { kField, kRecord };

  End ReadField(CsvRecord& record);
  End ReadQuoted(CsvRecord& record, std::string& field);
  End Fail(CsvRecord& record, absl::string_view problem);

  CountedInput& input_;
};

// The record as a line, with its line break.
std::string CsvLine(const std::vector<std::string>& fields);

// Whether the bytes are well-formed UTF-8.
bool IsUtf8(absl::string_view text);

}  // namespace aquifer::cli
