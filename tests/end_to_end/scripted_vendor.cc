#include "tests/end_to_end/scripted_vendor.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cstdlib>

namespace aquifer::testing {
namespace {

constexpr int kDevices = 149;
constexpr std::int64_t kVisitGapSeconds = 120;

// One collector goes by a name and by the same name read in the wrong encoding.
const char* const kTexts[] = {"Іван 📦", "Ð†Ð²Ð°Ð½", "Олена", "Petro"};
constexpr int kCollectorOfText[] = {0, 0, 1, 2};

std::int64_t InstantOf(absl::CivilSecond wall_time) {
  absl::TimeZone kyiv;
  if (!absl::LoadTimeZone("Europe/Kyiv", &kyiv)) std::abort();
  return absl::ToUnixSeconds(absl::FromCivil(wall_time, kyiv));
}

std::string AmountText(std::int64_t minor) {
  return absl::StrFormat("%d.%02d", minor / 100, minor % 100);
}

}  // namespace

// From 2026-02-28 to 2026-03-29.
ScriptedVendor::ScriptedVendor() : first_day_(2026, 2, 28) {
  for (std::size_t i = 0; i < std::size(kTexts); ++i) collectors_[kTexts[i]] = kCollectorOfText[i];
  // Some ids are no numbers.
  devices_.push_back("0_Cards");
  for (int i = 1; i < kDevices; ++i) devices_.push_back(absl::StrCat(100 + i));
  for (int day = 0; day < kDays; ++day) {
    for (int i = 0; i < kDevices; ++i) {
      const int seed = i * 31 + day * 17;
      if (seed % 10 != 0) continue;
      const absl::CivilSecond at =
          absl::CivilSecond(first_day_ + day) + 9 * 3600 + (seed * 61) % 20000;
      AddVisit(devices_[i], at, seed);
      if (seed % 40 == 0) AddVisit(devices_[i], at + 3 * 3600, seed + 1);
    }
  }
  // Four seconds apart by the clock that counts, an hour and four by the one on the wall.
  const absl::CivilDay change = last_day();
  lines_.push_back({devices_[64], absl::CivilSecond(change) + 3 * 3600 - 2, 77700, 0, kTexts[2]});
  lines_.push_back({devices_[64], absl::CivilSecond(change) + 4 * 3600 + 2, 0, 1450, kTexts[2]});
}

void ScriptedVendor::AddVisit(const std::string& device, absl::CivilSecond at, int seed) {
  const std::string collector = kTexts[seed / 10 % std::size(kTexts)];
  const std::int64_t notes = (seed * 7 % 300 + 20) * 100;
  const std::int64_t coins = seed * 3 % 90 * 50;
  lines_.push_back({device, at, notes, 0, collector});
  if (coins > 0) lines_.push_back({device, at + 4, 0, coins, collector});
}

std::vector<VendorLine> ScriptedVendor::Fetch(const std::string& device, absl::CivilDay day) const {
  std::vector<VendorLine> found;
  for (const VendorLine& line : lines_) {
    if (line.device == device && absl::CivilDay(line.wall_time) == day) found.push_back(line);
  }
  return found;
}

v1::CollectionLine ToMessage(const VendorLine& line) {
  v1::CollectionLine message;
  message.set_device_id(line.device);
  message.set_wall_time(absl::FormatCivilTime(line.wall_time));
  message.set_banknotes_text(AmountText(line.notes));
  message.set_coins_text(AmountText(line.coins));
  message.set_collector(line.collector);
  message.set_card_id("card of the script");
  message.set_note("Інкасація");
  return message;
}

std::vector<bool> BeginsVisit(const std::vector<VendorLine>& lines) {
  std::vector<std::int64_t> instants;
  for (const VendorLine& line : lines) instants.push_back(InstantOf(line.wall_time));
  std::vector<bool> begins;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    bool first = true;
    for (std::size_t j = 0; j < lines.size() && first; ++j) {
      const std::int64_t before = instants[i] - instants[j];
      first = lines[j].device != lines[i].device || before <= 0 || before > kVisitGapSeconds;
    }
    begins.push_back(first);
  }
  return begins;
}

}  // namespace aquifer::testing
