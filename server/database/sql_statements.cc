#include "server/database/sql_statements.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/strip.h>

#include <algorithm>

namespace aquifer {
namespace {

bool IsNameChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80) != 0;
}

// The length of the piece of `rest` that a quote or comment at its start makes up; 0 if there is
// none. An unfinished one reaches to the end.
std::size_t LineComment(absl::string_view rest) {
  if (!absl::StartsWith(rest, "--")) return 0;
  return std::min(rest.find('\n'), rest.size());
}

std::size_t BlockComment(absl::string_view rest) {
  if (!absl::StartsWith(rest, "/*")) return 0;
  int depth = 0;
  for (std::size_t i = 0; i + 1 < rest.size(); ++i) {
    if (rest[i] == '/' && rest[i + 1] == '*') {
      ++depth;
      ++i;
    } else if (rest[i] == '*' && rest[i + 1] == '/') {
      ++i;
      if (--depth == 0) return i + 1;
    }
  }
  return rest.size();
}

enum class Backslash { kPlain, kEscapes };

// A doubled quote reads as two quoted pieces side by side, which cuts at the same places.
std::size_t Quoted(absl::string_view rest, Backslash backslash) {
  const char quote = rest[0];
  if (quote != '\'' && quote != '"') return 0;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\' && backslash == Backslash::kEscapes) {
      ++i;
    } else if (rest[i] == quote) {
      return i + 1;
    }
  }
  return rest.size();
}

std::size_t DollarQuoted(absl::string_view rest) {
  if (rest[0] != '$') return 0;
  std::size_t end = 1;
  while (end < rest.size() && IsNameChar(rest[end])) ++end;
  // $1 is a parameter.
  if (end >= rest.size() || rest[end] != '$') return 0;
  if (absl::ascii_isdigit(static_cast<unsigned char>(rest[1]))) return 0;
  const absl::string_view tag = rest.substr(0, end + 1);
  const std::size_t close = rest.find(tag, tag.size());
  return close == absl::string_view::npos ? rest.size() : close + tag.size();
}

// Whether the quote at `position` belongs to an E'...'.
bool AfterEscapeMark(absl::string_view script, std::size_t position) {
  if (script[position] != '\'' || position == 0) return false;
  const char mark = script[position - 1];
  if (mark != 'e' && mark != 'E') return false;
  return position == 1 || !IsNameChar(script[position - 2]);
}

}  // namespace

std::vector<std::string> SplitStatements(absl::string_view script) {
  std::vector<std::string> statements;
  std::string current;
  // Whether `current` holds more than space and comments.
  bool substance = false;
  const auto finish = [&] {
    if (substance) statements.emplace_back(absl::StripAsciiWhitespace(current));
    current.clear();
    substance = false;
  };
  std::size_t at = 0;
  while (at < script.size()) {
    const absl::string_view rest = script.substr(at);
    std::size_t length = std::max(LineComment(rest), BlockComment(rest));
    if (length == 0) {
      const bool inside_name = at > 0 && IsNameChar(script[at - 1]);
      length = Quoted(rest, AfterEscapeMark(script, at) ? Backslash::kEscapes : Backslash::kPlain);
      if (length == 0 && !inside_name) length = DollarQuoted(rest);
      if (length == 0 && rest[0] == ';') {
        finish();
        ++at;
        continue;
      }
      length = std::max<std::size_t>(length, 1);
      substance |= !absl::ascii_isspace(static_cast<unsigned char>(rest[0]));
    }
    current.append(rest.data(), length);
    at += length;
  }
  finish();
  return statements;
}

std::string ConcurrentIndexOf(absl::string_view statement) {
  std::string plain;
  while (!statement.empty()) {
    const std::size_t comment = std::max(LineComment(statement), BlockComment(statement));
    plain += comment > 0 ? ' ' : statement[0];
    statement.remove_prefix(std::max<std::size_t>(comment, 1));
  }
  absl::string_view name = plain;
  const auto take = [&](absl::string_view word) {
    name = absl::StripLeadingAsciiWhitespace(name);
    if (!absl::StartsWithIgnoreCase(name, word)) return false;
    if (name.size() > word.size() && IsNameChar(name[word.size()])) return false;
    name = absl::StripLeadingAsciiWhitespace(name.substr(word.size()));
    return true;
  };
  if (!take("CREATE")) return "";
  take("UNIQUE");
  if (!take("INDEX") || !take("CONCURRENTLY")) return "";
  if (take("IF") && !(take("NOT") && take("EXISTS"))) return "";
  if (take("ON")) return "";
  if (absl::ConsumePrefix(&name, "\"")) return std::string(name.substr(0, name.find('"')));
  return absl::AsciiStrToLower(name.substr(0, name.find_first_of(" \t\r\n")));
}

}  // namespace aquifer
