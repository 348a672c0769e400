#include "server/telemetry/log.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "server/telemetry/json_text.h"

namespace aquifer {
namespace {

constexpr std::size_t kMostWaitingLines = 8192;

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

}  // namespace

LogLine::LogLine(LogLevel level, absl::string_view event) : level_(level) {
  text_.reserve(384);
  absl::StrAppend(&text_, "{\"time\":\"",
                  absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone()),
                  "\",\"level\":\"", NameOf(level), "\"");
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

Log::Log(LogLevel least)
    : least_(least),
      thread_(std::make_shared<spdlog::details::thread_pool>(kMostWaitingLines, 1)),
      logger_(std::make_shared<spdlog::async_logger>(
          "aquifer", std::make_shared<spdlog::sinks::stderr_sink_mt>(), thread_,
          spdlog::async_overflow_policy::overrun_oldest)) {
  logger_->set_pattern("%v");
}

Log::~Log() = default;

void Log::Write(const LogLine& line) {
  if (Enabled(line.level())) logger_->log(spdlog::level::info, line.Text());
}

void Log::Flush() { logger_->flush(); }

}  // namespace aquifer
