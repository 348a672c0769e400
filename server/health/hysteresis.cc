#include "server/health/hysteresis.h"

namespace aquifer {

void Hysteresis::Observe(Sign sign) {
  if ((sign == Sign::kGood) == high_) {
    against_ = 0;
    return;
  }
  if (++against_ < (high_ ? bad_to_fall_ : good_to_rise_)) return;
  high_ = !high_;
  against_ = 0;
}

}  // namespace aquifer
