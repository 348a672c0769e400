// The states of a delivery, as SQL spells them.
#pragma once

#include <absl/strings/string_view.h>

#include "aquifer/v1/job.pb.h"

namespace aquifer {

inline absl::string_view DeliveryStateText(v1::DeliveryState state) {
  switch (state) {
    case v1::DELIVERY_STATE_SENT:
      return "sent";
    case v1::DELIVERY_STATE_FAILED:
      return "failed";
    default:
      return "claimed";
  }
}

// Where there is no record, statements say nothing.
inline v1::DeliveryState DeliveryStateFrom(absl::string_view text) {
  if (text == "claimed") return v1::DELIVERY_STATE_CLAIMED;
  if (text == "sent") return v1::DELIVERY_STATE_SENT;
  if (text == "failed") return v1::DELIVERY_STATE_FAILED;
  return v1::DELIVERY_STATE_UNSPECIFIED;
}

}  // namespace aquifer
