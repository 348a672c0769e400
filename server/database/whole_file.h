// Reading a small file at once.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace aquifer {

// The contents of the file; empty if it cannot be read. Works on /proc, whose files tell no size.
inline std::string ReadWhole(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace aquifer
