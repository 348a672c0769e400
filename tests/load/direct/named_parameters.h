// A statement of sql/, whose parameters have names as pgbench takes them, for libpqxx.
#pragma once

#include <cctype>
#include <map>
#include <string>
#include <vector>

namespace aquifer::load {

struct NumberedStatement {
  // With $1, $2... in place of the names.
  std::string sql;
  // The name of each.
  std::vector<std::string> names;
};

inline NumberedStatement Numbered(const std::string& text) {
  NumberedStatement statement;
  std::map<std::string, std::size_t> numbers;
  for (std::size_t i = 0; i < text.size();) {
    const bool named = text[i] == ':' && i + 1 < text.size() &&
                       std::isalpha(static_cast<unsigned char>(text[i + 1])) != 0 &&
                       (i == 0 || text[i - 1] != ':');
    if (!named) {
      statement.sql += text[i++];
      continue;
    }
    std::size_t end = i + 1;
    while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) != 0) ++end;
    const std::string name = text.substr(i + 1, end - i - 1);
    const auto [found, is_new] = numbers.emplace(name, numbers.size() + 1);
    if (is_new) statement.names.push_back(name);
    statement.sql += "$" + std::to_string(found->second);
    i = end;
  }
  return statement;
}

}  // namespace aquifer::load
