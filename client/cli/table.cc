#include "client/cli/table.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cstddef>

namespace aquifer::cli {
namespace {

// Characters, which for the alphabets of these texts is what a terminal's columns are.
std::size_t WidthOf(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string Padded(const std::string& text, std::size_t width, Align align) {
  const std::string padding(width - std::min(width, WidthOf(text)), ' ');
  return align == Align::kLeft ? text + padding : padding + text;
}

std::string CellAt(const std::vector<std::string>& row, std::size_t index) {
  return index < row.size() ? Harmless(row[index]) : "";
}

}  // namespace

std::string Harmless(const std::string& text) {
  std::string harmless = text;
  for (std::size_t i = 0; i < harmless.size(); ++i) {
    const auto byte = static_cast<unsigned char>(harmless[i]);
    // C1 controls are two bytes in UTF-8: C2 80 to C2 9F.
    const bool is_c1 = byte == 0xC2 && i + 1 < harmless.size() &&
                       static_cast<unsigned char>(harmless[i + 1]) < 0xA0;
    if (is_c1) harmless.replace(i, 2, "?");
    if (byte < 0x20 || byte == 0x7F) harmless[i] = '?';
  }
  return harmless;
}

std::string RenderTable(const std::vector<TableColumn>& columns,
                        const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t width = WidthOf(columns[i].header);
    for (const auto& row : rows) width = std::max(width, WidthOf(CellAt(row, i)));
    widths.push_back(width);
  }
  std::string text;
  const auto add = [&](const auto& cell_at) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      absl::StrAppend(&line, i == 0 ? "" : "  ", Padded(cell_at(i), widths[i], columns[i].align));
    }
    absl::StrAppend(&text, absl::StripTrailingAsciiWhitespace(line), "\n");
  };
  add([&](std::size_t i) { return columns[i].header; });
  for (const auto& row : rows) add([&](std::size_t i) { return CellAt(row, i); });
  return text;
}

std::string RenderRecord(const std::vector<TableColumn>& columns,
                         const std::vector<std::string>& cells) {
  std::size_t width = 0;
  for (const TableColumn& column : columns) width = std::max(width, WidthOf(column.header));
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string line =
        absl::StrCat(Padded(columns[i].header, width, Align::kLeft), "  ", CellAt(cells, i));
    absl::StrAppend(&text, absl::StripTrailingAsciiWhitespace(line), "\n");
  }
  return text;
}

}  // namespace aquifer::cli
