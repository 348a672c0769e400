// Text as JSON writes it.
#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace aquifer {

// Appends `text` in quotes, with what JSON reserves escaped. Bytes above 0x7F pass as they are.
void AppendJsonText(std::string& out, absl::string_view text);

std::string JsonText(absl::string_view text);

}  // namespace aquifer
