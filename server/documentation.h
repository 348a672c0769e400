// The README's tables, made from what the program itself goes by.
#pragma once

#include <string>

namespace aquifer {

// Each is a Markdown table, newline at the end included.
std::string OptionsMarkdown();
std::string ErrorsMarkdown();
std::string RpcsMarkdown();
std::string TaskMovesMarkdown();

}  // namespace aquifer
