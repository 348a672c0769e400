// One JSON object a line, on standard error, written by a thread of its own.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/strings/string_view.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <string>
#include <thread>

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
  // The same without its last brace.
  const std::string& Unfinished() const { return text_; }

 private:
  void Key(absl::string_view key);

  LogLevel level_;
  std::string text_;
};

// Where lines go. Thread-safe. Writing never blocks: with 4 MiB waiting for standard error further
// lines are lost, and one says how many were. Destruction writes out what waits.
//
// A line is copied into a buffer that the thread writes out whole, 2 ms later at most. A queue of
// lines would wake that thread for each: a tenth of the server's processor time under load.
class Log {
 public:
  explicit Log(LogLevel least);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool Enabled(LogLevel level) const { return level >= least_; }
  void Write(const LogLine& line);
  // Returns when everything so far was written out, or after a second.
  void Flush();

 private:
  void WriteOut();

  const LogLevel least_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::string waiting_ ABSL_GUARDED_BY(mutex_);
  std::int64_t lost_ ABSL_GUARDED_BY(mutex_) = 0;
  // The thread waits for a first line.
  bool idle_ ABSL_GUARDED_BY(mutex_) = false;
  bool flushing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // How often the buffer was written out.
  std::int64_t rounds_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace aquifer
