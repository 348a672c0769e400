// One JSON object a line, on standard error, written by a thread of its own.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <string>

namespace spdlog {
class async_logger;
namespace details {
class thread_pool;
}  // namespace details
}  // namespace spdlog

namespace aquifer {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// A line under construction: LogLine(LogLevel::kInfo, "connected").Add("host", host). Keys are
// literals of ours; values are escaped. Personal data never goes in.
class LogLine {
 public:
  LogLine(LogLevel level, absl::string_view event);

  LogLine& Add(absl::string_view key, absl::string_view value);
  LogLine& Add(absl::string_view key, const char* value);
  LogLine& Add(absl::string_view key, std::int64_t value);
  LogLine& Add(absl::string_view key, int value) { return Add(key, std::int64_t{value}); }
  LogLine& Add(absl::string_view key, double value);
  LogLine& Add(absl::string_view key, bool value);

  LogLevel level() const { return level_; }
  // The finished object, without the newline.
  std::string Text() const { return text_ + "}"; }

 private:
  void Key(absl::string_view key);

  LogLevel level_;
  std::string text_;
};

// Where lines go. Thread-safe. Writing never blocks: with 8,192 lines waiting the oldest is lost.
// Destruction writes out what waits.
class Log {
 public:
  explicit Log(LogLevel least);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool Enabled(LogLevel level) const { return level >= least_; }
  void Write(const LogLine& line);
  // Asks for everything so far to be written out.
  void Flush();

 private:
  const LogLevel least_;
  std::shared_ptr<spdlog::details::thread_pool> thread_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace aquifer
