#include "repositories/collection_line.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "repositories/money.h"
#include "repositories/row.h"
#include "repositories/wall_time.h"

namespace aquifer {
namespace {

// 2000-01-01T00:00:00Z and 2100-01-01T00:00:00Z: what lies outside is a broken clock, and would
// put a line where no report looks.
constexpr std::int64_t kFirstSecond = 946684800;
constexpr std::int64_t kEndSecond = 4102444800;

class Parser {
 public:
  Parser(const std::string& path, std::vector<FieldViolation>& violations)
      : path_(path), violations_(violations) {}

  ParsedLine Parse(const v1::CollectionLine& line) {
    ParsedLine parsed;
    if (line.has_wall_time()) {
      parsed.wall_time = ParseWallTime(line.wall_time());
      if (!parsed.wall_time) Refuse("wall_time", kWallTimeAllowed);
    } else if (line.has_collected_at()) {
      parsed.instant = Instant(line.collected_at());
    }
    parsed.banknotes_minor = line.has_banknotes_text()
                                 ? Money("banknotes_text", line.banknotes_text())
                                 : line.banknotes_minor();
    parsed.coins_minor =
        line.has_coins_text() ? Money("coins_text", line.coins_text()) : line.coins_minor();
    return parsed;
  }

 private:
  // A field whose rules were already broken is not named twice.
  void Refuse(absl::string_view field, absl::string_view description) {
    const std::string path = absl::StrCat(path_, ".", field);
    for (const FieldViolation& violation : violations_) {
      if (violation.field == path) return;
    }
    violations_.push_back({path, std::string(description)});
  }

  std::string Instant(const google::protobuf::Timestamp& instant) {
    if (instant.seconds() < kFirstSecond || instant.seconds() >= kEndSecond) {
      Refuse("collected_at", "must be an instant in years 2000 to 2099");
      return "";
    }
    return InstantText(instant);
  }

  std::int64_t Money(absl::string_view field, const std::string& text) {
    const std::optional<std::int64_t> minor = ParseMoney(text);
    if (!minor) Refuse(field, kMoneyTextAllowed);
    return minor.value_or(0);
  }

  const std::string& path_;
  std::vector<FieldViolation>& violations_;
};

}  // namespace

ParsedLine ParseLine(const v1::CollectionLine& line, const std::string& path,
                     std::vector<FieldViolation>& violations) {
  return Parser(path, violations).Parse(line);
}

void MergedLines::Merge(const v1::CollectionLine& line, const ParsedLine& parsed) {
  banknotes_minor_ = std::max(banknotes_minor_, parsed.banknotes_minor);
  coins_minor_ = std::max(coins_minor_, parsed.coins_minor);
  collector_ |= !line.collector().empty();
  card_id_ |= !line.card_id().empty();
  note_ |= !line.note().empty();
  machine_ |= !line.machine().empty();
}

bool MergedLines::Gains(const v1::CollectionLine& line, const ParsedLine& parsed) const {
  return parsed.banknotes_minor > banknotes_minor_ || parsed.coins_minor > coins_minor_ ||
         (!collector_ && !line.collector().empty()) || (!card_id_ && !line.card_id().empty()) ||
         (!note_ && !line.note().empty()) || (!machine_ && !line.machine().empty());
}

}  // namespace aquifer
