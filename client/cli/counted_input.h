// A file that is read byte by byte and knows where it is.
#pragma once

#include <cstdint>
#include <istream>

namespace aquifer::cli {

// Used by one thread; the stream must outlive it.
class CountedInput {
 public:
  explicit CountedInput(std::istream& stream) : buffer_(*stream.rdbuf()) {}

  // The next byte, or -1 at the end.
  int Get() {
    const int byte = buffer_.sbumpc();
    if (byte < 0) return -1;
    ++bytes_;
    if (byte == '\n') ++line_;
    checksum_ = (checksum_ ^ static_cast<std::uint64_t>(byte)) * kPrime;
    return byte;
  }
  // The byte that Get would give.
  int Peek() { return buffer_.sgetc(); }

  // The number of the line that the next byte is on, from 1.
  std::int64_t line() const { return line_; }
  std::int64_t bytes() const { return bytes_; }
  // FNV-1a of all bytes so far: tells whether a file still begins as it did.
  std::uint64_t checksum() const { return checksum_; }

 private:
  static constexpr std::uint64_t kPrime = 0x100000001b3;

  std::streambuf& buffer_;
  std::int64_t line_ = 1;
  std::int64_t bytes_ = 0;
  std::uint64_t checksum_ = 0xcbf29ce484222325;
};

}  // namespace aquifer::cli
