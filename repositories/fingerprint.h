// Tells two requests apart by a number.
#pragma once

#include <absl/types/span.h>
#include <google/protobuf/message.h>

#include <cstdint>

namespace aquifer {

// A hash of a message's type and content, but for the fields of these names. The same in every
// build and instance. It catches a mix-up, not an attack: whoever could forge it is only fooling
// himself.
std::uint64_t FingerprintOf(const google::protobuf::Message& message,
                            absl::Span<const char* const> without);

}  // namespace aquifer
