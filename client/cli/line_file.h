// Files of collections, as import reads and export writes them.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <istream>
#include <memory>
#include <string>

#include "aquifer/v1/collection.pb.h"
#include "client/cli/counted_input.h"

namespace aquifer::cli {

// CSV with a header of field names, or an aquifer.v1.CollectionLine in JSON a line.
enum class Format { kCsv, kJsonLines };

// By the word "csv" or "jsonl"; without one by the name's end; CSV if that says nothing.
absl::StatusOr<Format> FormatOf(const std::string& word, const std::string& path);

struct FileLine {
  // The line of the file on which it begins, from 1.
  std::int64_t number = 0;
  v1::CollectionLine line;
  // What is wrong with it; then `line` means nothing. Amounts are not looked at: the server reads
  // them.
  absl::Status status;
};

// Reads a file line by line; used by one thread.
class LineReader {
 public:
  explicit LineReader(std::istream& stream) : input_(stream) {}
  virtual ~LineReader() = default;

  // Whether there was another line.
  virtual bool Next(FileLine& line) = 0;

  // Where it is: behind the last line.
  const CountedInput& input() const { return input_; }

 protected:
  CountedInput input_;
};

// INVALID_ARGUMENT if it is CSV and its header is wrong. The stream must outlive the reader.
absl::StatusOr<std::unique_ptr<LineReader>> ReadLines(Format format, std::istream& stream);

// What an exported file begins with, and a line of it, each with its line break.
std::string HeaderOf(Format format);
absl::StatusOr<std::string> TextOfLine(Format format, const v1::Collection& collection);

}  // namespace aquifer::cli
