// A flag that takes more than one look to turn, so that one slow answer never turns it.
#pragma once

namespace aquifer {

enum class Sign { kBad, kGood };

// Falls after `bad_to_fall` bad signs in a row and rises after `good_to_rise` good ones; starts
// low. Not thread-safe.
class Hysteresis {
 public:
  Hysteresis(int bad_to_fall, int good_to_rise)
      : bad_to_fall_(bad_to_fall), good_to_rise_(good_to_rise) {}

  void Observe(Sign sign);
  bool high() const { return high_; }

 private:
  const int bad_to_fall_;
  const int good_to_rise_;
  bool high_ = false;
  // Signs in a row that speak against the flag as it stands.
  int against_ = 0;
};

}  // namespace aquifer
