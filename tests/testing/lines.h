// Collection lines for tests, saying only what matters to the test.
#pragma once

#include <google/protobuf/util/time_util.h>

#include <cstdint>
#include <string>

#include "aquifer/v1/collection.pb.h"

namespace aquifer::testing {

inline constexpr char kDevice[] = "1024";

// `LineAt("2026-03-28 14:05:09").Notes(152000)`: a line of kDevice at a wall time of the fleet's
// zone. Converts to the message.
class LineAt {
 public:
  explicit LineAt(const std::string& wall_time) {
    line_.set_device_id(kDevice);
    line_.set_wall_time(wall_time);
  }
  LineAt& Device(const std::string& id) { return line_.set_device_id(id), *this; }
  // An RFC 3339 instant instead of the wall time.
  LineAt& Instant(const std::string& text) {
    google::protobuf::util::TimeUtil::FromString(text, line_.mutable_collected_at());
    return *this;
  }
  LineAt& Notes(std::int64_t minor) { return line_.set_banknotes_minor(minor), *this; }
  LineAt& Coins(std::int64_t minor) { return line_.set_coins_minor(minor), *this; }
  LineAt& NotesText(const std::string& text) { return line_.set_banknotes_text(text), *this; }
  LineAt& CoinsText(const std::string& text) { return line_.set_coins_text(text), *this; }
  LineAt& Collector(const std::string& text) { return line_.set_collector(text), *this; }
  LineAt& Card(const std::string& text) { return line_.set_card_id(text), *this; }
  LineAt& Note(const std::string& text) { return line_.set_note(text), *this; }
  LineAt& Machine(const std::string& text) { return line_.set_machine(text), *this; }

  // Stands where a message does.
  operator v1::CollectionLine() const { return line_; }  // NOLINT(google-explicit-constructor)

 private:
  v1::CollectionLine line_;
};

}  // namespace aquifer::testing
