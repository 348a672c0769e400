// Tables for people: columns as wide as their widest cell, two spaces apart.
#pragma once

#include <string>
#include <vector>

namespace aquifer::cli {

enum class Align { kLeft, kRight };

struct TableColumn {
  std::string header;
  Align align = Align::kLeft;
};

// Renders header and rows, each with a line break. A row that is too short is filled up with
// nothing. What a terminal would obey, such as an escape in somebody's note, is shown as "?".
std::string RenderTable(const std::vector<TableColumn>& columns,
                        const std::vector<std::vector<std::string>>& rows);

// The same for one record: a line a column, the headers on the left.
std::string RenderRecord(const std::vector<TableColumn>& columns,
                         const std::vector<std::string>& cells);

// The text without what a terminal would obey.
std::string Harmless(const std::string& text);

}  // namespace aquifer::cli
