#include "server/telemetry/log.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "server/telemetry/json_text.h"

namespace aquifer {
namespace {

constexpr std::size_t kMostWaitingBytes = std::size_t{4} * 1024 * 1024;
// How long lines gather.
constexpr absl::Duration kGathering = absl::Milliseconds(2);
constexpr absl::Duration kPatienceOfFlush = absl::Seconds(1);

absl::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
    case LogLevel::kOff:
      break;
  }
  return "off";
}

// What a second's lines have in common, formatted once a second and thread.
absl::string_view TextOfSecond(std::int64_t second) {
  thread_local std::int64_t formatted = -1;
  thread_local std::string text;
  if (second != formatted) {
    text =
        absl::FormatTime("%Y-%m-%dT%H:%M:%S", absl::FromUnixSeconds(second), absl::UTCTimeZone());
    formatted = second;
  }
  return text;
}

// Standard error is the last place to tell of an error, so there is nobody to tell of one there.
void WriteToStandardError(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

LogLine::LogLine(LogLevel level, absl::string_view event) : level_(level) {
  text_.reserve(384);
  const std::int64_t now_us = absl::ToUnixMicros(absl::Now());
  absl::StrAppend(&text_, "{\"time\":\"", TextOfSecond(now_us / 1000000), ".",
                  absl::Dec(now_us % 1000000, absl::kZeroPad6), "Z\",\"level\":\"", NameOf(level),
                  "\"");
  Add("event", event);
}

LogLine& LogLine::Add(absl::string_view key, absl::string_view value) {
  Key(key);
  AppendJsonText(text_, value);
  return *this;
}

LogLine& LogLine::Add(absl::string_view key, const char* value) {
  return Add(key, absl::string_view(value));
}

LogLine& LogLine::Add(absl::string_view key, std::int64_t value) {
  Key(key);
  absl::StrAppend(&text_, value);
  return *this;
}

LogLine& LogLine::Add(absl::string_view key, double value) {
  Key(key);
  absl::StrAppend(&text_, value);
  return *this;
}

LogLine& LogLine::Add(absl::string_view key, bool value) {
  Key(key);
  text_ += value ? "true" : "false";
  return *this;
}

void LogLine::Key(absl::string_view key) { absl::StrAppend(&text_, ",\"", key, "\":"); }

Log::Log(LogLevel least) : least_(least), thread_([this] { WriteOut(); }) {}

Log::~Log() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void Log::Write(const LogLine& line) {
  if (!Enabled(line.level())) return;
  absl::MutexLock lock(&mutex_);
  if (waiting_.size() >= kMostWaitingBytes) {
    ++lost_;
    return;
  }
  absl::StrAppend(&waiting_, line.Unfinished(), "}\n");
  if (idle_) changed_.SignalAll();
}

void Log::Flush() {
  const absl::Time deadline = absl::Now() + kPatienceOfFlush;
  absl::MutexLock lock(&mutex_);
  flushing_ = true;
  changed_.SignalAll();
  // What the thread is writing now is one round, what waits the next.
  const std::int64_t enough = rounds_ + 2;
  while (rounds_ < enough && !(idle_ && waiting_.empty())) {
    if (changed_.WaitWithDeadline(&mutex_, deadline)) break;
  }
  flushing_ = false;
}

void Log::WriteOut() {
  std::string writing;
  absl::MutexLock lock(&mutex_);
  while (!stopping_ || !waiting_.empty()) {
    if (waiting_.empty()) {
      idle_ = true;
      changed_.SignalAll();
      while (waiting_.empty() && !stopping_) changed_.Wait(&mutex_);
      idle_ = false;
    }
    if (!stopping_ && !flushing_) changed_.WaitWithTimeout(&mutex_, kGathering);
    writing.clear();
    std::swap(writing, waiting_);
    if (const std::int64_t lost = std::exchange(lost_, 0); lost > 0) {
      LogLine line(LogLevel::kWarning, "log_lines_lost");
      absl::StrAppend(&writing, line.Add("lines", lost).Text(), "\n");
    }
    mutex_.Unlock();
    WriteToStandardError(writing);
    mutex_.Lock();
    ++rounds_;
    changed_.SignalAll();
  }
}

}  // namespace aquifer
