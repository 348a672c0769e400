// How far an import of a file is, kept beside it, so that the next start goes on there.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <optional>
#include <string>

namespace aquifer::cli {

// A place in a file: the line it is on and the checksum of all bytes before it.
struct ImportPlace {
  std::int64_t line = 1;
  std::uint64_t checksum = 0;
};

// FILE.aquifer-resume. Survives the program's sudden end; what is lost with the machine's costs
// nothing but lines sent again.
class ResumeFile {
 public:
  // `address` is where the lines go: a place is good for no other server.
  ResumeFile(const std::string& imported, std::string address);

  const std::string& path() const { return path_; }

  // Nothing if there is none, or one of another server or that is damaged.
  std::optional<ImportPlace> Read() const;
  absl::Status Write(const ImportPlace& place) const;
  void Remove() const;

 private:
  const std::string path_;
  const std::string address_;
};

}  // namespace aquifer::cli
