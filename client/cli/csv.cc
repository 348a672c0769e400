#include "client/cli/csv.h"

#include <absl/strings/str_cat.h>

#include <utility>

namespace aquifer::cli {
namespace {

constexpr int kEnd = -1;

// How many bytes the character beginning with `lead` has, and the smallest it may stand for; 0 if
// none begins so.
std::pair<int, std::uint32_t> SequenceOf(unsigned char lead) {
  if (lead < 0x80) return {1, 0};
  if ((lead & 0xE0) == 0xC0) return {2, 0x80};
  if ((lead & 0xF0) == 0xE0) return {3, 0x800};
  if ((lead & 0xF8) == 0xF0) return {4, 0x10000};
  return {0, 0};
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const auto [length, smallest] = SequenceOf(lead);
    if (length == 0 || i + static_cast<std::size_t>(length) > text.size()) return false;
    std::uint32_t character = length == 1 ? lead : lead & (0x7FU >> length);
    for (int k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((byte & 0xC0) != 0x80) return false;
      character = (character << 6) | (byte & 0x3FU);
    }
    const bool is_surrogate = character >= 0xD800 && character <= 0xDFFF;
    if (character < smallest || character > 0x10FFFF || is_surrogate) return false;
    i += static_cast<std::size_t>(length);
  }
  return true;
}

bool CsvReader::Next(CsvRecord& record) {
  if (input_.bytes() == 0 && input_.Peek() == 0xEF) {
    for (int i = 0; i < 3; ++i) input_.Get();
  }
  while (input_.Peek() == '\n' || input_.Peek() == '\r') input_.Get();
  if (input_.Peek() == kEnd) return false;
  record.line = input_.line();
  record.fields.clear();
  record.status = absl::OkStatus();
  while (ReadField(record) == End::kField) {
  }
  for (const std::string& field : record.fields) {
    if (record.status.ok() && !IsUtf8(field)) {
      record.status = absl::InvalidArgumentError("not UTF-8");
    }
  }
  return true;
}

CsvReader::End CsvReader::ReadField(CsvRecord& record) {
  std::string& field = record.fields.emplace_back();
  if (input_.Peek() == '"') {
    input_.Get();
    return ReadQuoted(record, field);
  }
  for (;;) {
    const int byte = input_.Get();
    if (byte == kEnd || byte == '\n') return End::kRecord;
    if (byte == ',') return End::kField;
    if (byte == '\r') {
      if (input_.Peek() == '\n' || input_.Peek() == kEnd) continue;
      return Fail(record, "a carriage return stands alone");
    }
    if (byte == '"') return Fail(record, "a quote stands in a field that is not quoted");
    field.push_back(static_cast<char>(byte));
  }
}

CsvReader::End CsvReader::ReadQuoted(CsvRecord& record, std::string& field) {
  for (;;) {
    const int byte = input_.Get();
    if (byte == kEnd) return Fail(record, "a quote is never closed; it took the rest of the file");
    if (byte != '"') {
      field.push_back(static_cast<char>(byte));
      continue;
    }
    const int next = input_.Get();
    if (next == '"') {
      field.push_back('"');
      continue;
    }
    if (next == ',') return End::kField;
    if (next == '\n' || next == kEnd) return End::kRecord;
    if (next == '\r' && (input_.Peek() == '\n' || input_.Peek() == kEnd)) {
      input_.Get();
      return End::kRecord;
    }
    return Fail(record, "text stands behind a closing quote");
  }
}

CsvReader::End CsvReader::Fail(CsvRecord& record, absl::string_view problem) {
  record.status = absl::InvalidArgumentError(problem);
  for (int byte = input_.Peek(); byte != kEnd; byte = input_.Peek()) {
    if (input_.Get() == '\n') break;
  }
  return End::kRecord;
}

std::string CsvLine(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line.push_back(',');
    if (field.find_first_of(",\"\r\n") == std::string::npos) {
      line += field;
      continue;
    }
    line.push_back('"');
    for (const char c : field) {
      if (c == '"') line.push_back('"');
      line.push_back(c);
    }
    line.push_back('"');
  }
  line.push_back('\n');
  return line;
}

}  // namespace aquifer::cli
