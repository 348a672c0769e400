#include "client/cli/line_file.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "client/cli/csv.h"
#include "client/cli/message_text.h"

namespace aquifer::cli {
namespace {

// A column of a CSV file.
struct LineColumn {
  const char* name;
  // The field of a CollectionLine that it fills.
  const char* field;
  // Columns of one group are different ways to write the same thing: one of them at most.
  int group;
  // The field of a Collection that is exported there; null for what is only imported.
  const char* exported;
};

constexpr LineColumn kColumns[] = {{"device_id", "device_id", 0, "device_id"},
                                   {"collected_at", "collected_at", 1, "collected_at"},
                                   {"wall_time", "wall_time", 1, nullptr},
                                   {"banknotes", "banknotes_text", 2, "banknotes_minor"},
                                   {"banknotes_minor", "banknotes_minor", 2, nullptr},
                                   {"coins", "coins_text", 3, "coins_minor"},
                                   {"coins_minor", "coins_minor", 3, nullptr},
                                   {"collector", "collector", 4, "collector.text"},
                                   {"card_id", "card_id", 5, "card_id"},
                                   {"note", "note", 6, "note"},
                                   {"machine", "machine", 7, "machine"}};

class CsvLineReader final : public LineReader {
 public:
  using LineReader::LineReader;

  absl::Status ReadHeader() {
    CsvRecord header;
    if (!csv_.Next(header)) return absl::InvalidArgumentError("the file is empty");
    if (!header.status.ok()) return WrongHeader(std::string(header.status.message()));
    for (const std::string& name : header.fields) {
      const auto* column =
          std::find_if(std::begin(kColumns), std::end(kColumns),
                       [&](const LineColumn& known) { return name == known.name; });
      if (column == std::end(kColumns)) {
        return WrongHeader(absl::StrCat("\"", name, "\" is none of ",
                                        absl::StrJoin(kColumns, ", ", NameOfColumn)));
      }
      for (const LineColumn* other : columns_) {
        if (other->group == column->group) {
          return WrongHeader(absl::StrCat(other->name, " and ", name, " say the same"));
        }
      }
      columns_.push_back(column);
    }
    return absl::OkStatus();
  }

  bool Next(FileLine& line) override {
    if (!csv_.Next(record_)) return false;
    line.number = record_.line;
    line.line.Clear();
    line.status = Parse(line.line);
    return true;
  }

 private:
  static void NameOfColumn(std::string* text, const LineColumn& column) {
    text->append(column.name);
  }

  static absl::Status WrongHeader(const std::string& problem) {
    return absl::InvalidArgumentError(absl::StrCat("the header, line 1: ", problem));
  }

  absl::Status Parse(v1::CollectionLine& line) const {
    if (!record_.status.ok()) return record_.status;
    if (record_.fields.size() != columns_.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(record_.fields.size(), " fields, where the header has ", columns_.size()));
    }
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (record_.fields[i].empty()) continue;
      absl::Status status = SetField(line, columns_[i]->field, {record_.fields[i]});
      if (!status.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat(columns_[i]->name, ": ", std::string(status.message())));
      }
    }
    return absl::OkStatus();
  }

  CsvReader csv_{input_};
  std::vector<const LineColumn*> columns_;
  CsvRecord record_;
};

class JsonLineReader final : public LineReader {
 public:
  using LineReader::LineReader;

  bool Next(FileLine& line) override {
    do {
      if (input_.Peek() < 0) return false;
      line.number = input_.line();
      text_.clear();
      for (int byte = input_.Get(); byte >= 0 && byte != '\n'; byte = input_.Get()) {
        text_.push_back(static_cast<char>(byte));
      }
    } while (text_.find_first_not_of(" \t\r") == std::string::npos);
    line.line.Clear();
    line.status = Parse(line.line);
    return true;
  }

 private:
  absl::Status Parse(v1::CollectionLine& line) const {
    if (!IsUtf8(text_)) return absl::InvalidArgumentError("not UTF-8");
    const auto parsed = google::protobuf::util::JsonStringToMessage(text_, &line);
    if (parsed.ok()) return absl::OkStatus();
    return absl::InvalidArgumentError(std::string(parsed.message()));
  }

  std::string text_;
};

v1::CollectionLine LineOf(const v1::Collection& collection) {
  v1::CollectionLine line;
  line.set_device_id(collection.device_id());
  *line.mutable_collected_at() = collection.collected_at();
  line.set_banknotes_minor(collection.banknotes_minor());
  line.set_coins_minor(collection.coins_minor());
  line.set_collector(collection.collector().text());
  line.set_card_id(collection.card_id());
  line.set_note(collection.note());
  line.set_machine(collection.machine());
  return line;
}

}  // namespace

absl::StatusOr<Format> FormatOf(const std::string& word, const std::string& path) {
  if (word == "csv") return Format::kCsv;
  if (word == "jsonl") return Format::kJsonLines;
  if (!word.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", word, "\" is neither csv nor jsonl"));
  }
  const bool is_json = absl::EndsWith(path, ".jsonl") || absl::EndsWith(path, ".ndjson");
  return is_json ? Format::kJsonLines : Format::kCsv;
}

absl::StatusOr<std::unique_ptr<LineReader>> ReadLines(Format format, std::istream& stream) {
  if (format == Format::kJsonLines) return std::make_unique<JsonLineReader>(stream);
  auto reader = std::make_unique<CsvLineReader>(stream);
  if (absl::Status status = reader->ReadHeader(); !status.ok()) return status;
  return reader;
}

std::string HeaderOf(Format format) {
  if (format == Format::kJsonLines) return "";
  std::vector<std::string> names;
  for (const LineColumn& column : kColumns) {
    if (column.exported != nullptr) names.emplace_back(column.name);
  }
  return CsvLine(names);
}

absl::StatusOr<std::string> TextOfLine(Format format, const v1::Collection& collection) {
  if (format == Format::kCsv) {
    std::vector<std::string> fields;
    for (const LineColumn& column : kColumns) {
      if (column.exported != nullptr) fields.push_back(TextOf(collection, column.exported));
    }
    return CsvLine(fields);
  }
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(LineOf(collection), &json);
  if (!status.ok()) return absl::InternalError(status.ToString());
  return json + "\n";
}

}  // namespace aquifer::cli
