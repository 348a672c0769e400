// The states of the fetch ledger, as its table spells them.
#pragma once

#include <absl/strings/string_view.h>

#include "aquifer/v1/collection.pb.h"

namespace aquifer {

// OK, EMPTY or FAILED as a text of the column; the only states that are stored.
inline absl::string_view FetchStateText(v1::FetchState state) {
  switch (state) {
    case v1::FETCH_STATE_OK:
      return "ok";
    case v1::FETCH_STATE_EMPTY:
      return "empty";
    default:
      return "failed";
  }
}

inline v1::FetchState FetchStateFrom(absl::string_view text) {
  if (text == "ok") return v1::FETCH_STATE_OK;
  if (text == "empty") return v1::FETCH_STATE_EMPTY;
  return v1::FETCH_STATE_FAILED;
}

}  // namespace aquifer
