// The states of the fetch ledger, as SQL spells them.
#pragma once

#include <absl/strings/string_view.h>

#include "aquifer/v1/collection.pb.h"

namespace aquifer {

// OK, EMPTY and FAILED are what the table stores. Where it has no row, statements say 'never'.
inline absl::string_view FetchStateText(v1::FetchState state) {
  switch (state) {
    case v1::FETCH_STATE_OK:
      return "ok";
    case v1::FETCH_STATE_EMPTY:
      return "empty";
    case v1::FETCH_STATE_NEVER:
      return "never";
    default:
      return "failed";
  }
}

inline v1::FetchState FetchStateFrom(absl::string_view text) {
  if (text == "ok") return v1::FETCH_STATE_OK;
  if (text == "empty") return v1::FETCH_STATE_EMPTY;
  if (text == "never") return v1::FETCH_STATE_NEVER;
  return v1::FETCH_STATE_FAILED;
}

}  // namespace aquifer
