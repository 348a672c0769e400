#include "client/cli/message_text.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "aquifer/v1/common.pb.h"

namespace aquifer::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Duration;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

// "filter-replacement" of TASK_TYPE_FILTER_REPLACEMENT.
std::string WordOf(const EnumValueDescriptor& value) {
  const std::string& zero = value.type()->value(0)->name();
  absl::string_view word = value.name();
  absl::ConsumePrefix(&word, absl::StripSuffix(zero, "UNSPECIFIED"));
  return absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", "-"}});
}

std::vector<std::string> WordsOf(const EnumDescriptor& type) {
  std::vector<std::string> words;
  for (int i = 1; i < type.value_count(); ++i) words.push_back(WordOf(*type.value(i)));
  return words;
}

const EnumValueDescriptor* ValueOf(const EnumDescriptor& type, absl::string_view text) {
  for (int i = 1; i < type.value_count(); ++i) {
    const EnumValueDescriptor& value = *type.value(i);
    if (absl::EqualsIgnoreCase(text, WordOf(value)) || text == value.name()) return &value;
  }
  return nullptr;
}

absl::Status Wrong(absl::string_view text, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not ", wanted));
}

absl::Status SetDay(const std::string& text, v1::Day& day) {
  int year = 0;
  int month = 0;
  int date = 0;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '-');
  if (text.size() != 10 || parts.size() != 3 || !absl::SimpleAtoi(parts[0], &year) ||
      !absl::SimpleAtoi(parts[1], &month) || !absl::SimpleAtoi(parts[2], &date) ||
      absl::FormatCivilTime(absl::CivilDay(year, month, date)) != text) {
    return Wrong(text, "a day such as 2026-03-28");
  }
  day.set_year(year);
  day.set_month(month);
  day.set_day(date);
  return absl::OkStatus();
}

absl::Status SetDays(const std::string& text, v1::DayRange& days) {
  const std::pair<std::string, std::string> ends = absl::StrSplit(text, absl::MaxSplits("..", 1));
  if (absl::Status status = SetDay(ends.first, *days.mutable_first()); !status.ok()) return status;
  const bool is_one = !absl::StrContains(text, "..");
  return SetDay(is_one ? ends.first : ends.second, *days.mutable_last());
}

absl::Status SetMessage(const std::string& text, Message& message) {
  const Descriptor* type = message.GetDescriptor();
  if (type == v1::Day::descriptor()) return SetDay(text, static_cast<v1::Day&>(message));
  if (type == v1::DayRange::descriptor()) {
    return SetDays(text, static_cast<v1::DayRange&>(message));
  }
  if (type == Timestamp::descriptor() &&
      TimeUtil::FromString(text, &static_cast<Timestamp&>(message))) {
    return absl::OkStatus();
  }
  return Wrong(text, "an instant such as 2026-03-28T12:05:09Z");
}

// Sets a scalar, or adds it to a repeated field.
template <typename Value>
void Put(Message& message, const FieldDescriptor& field, Value value,
         void (google::protobuf::Reflection::*set)(Message*, const FieldDescriptor*, Value) const,
         void (google::protobuf::Reflection::*add)(Message*, const FieldDescriptor*, Value) const) {
  const auto* reflection = message.GetReflection();
  (reflection->*(field.is_repeated() ? add : set))(&message, &field, value);
}

absl::Status PutText(Message& message, const FieldDescriptor& field, const std::string& text) {
  using Reflection = google::protobuf::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      Put<std::string>(message, field, text, &Reflection::SetString, &Reflection::AddString);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT64: {
      std::int64_t number = 0;
      if (!absl::SimpleAtoi(text, &number)) return Wrong(text, "a whole number");
      Put<std::int64_t>(message, field, number, &Reflection::SetInt64, &Reflection::AddInt64);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      std::int32_t number = 0;
      if (!absl::SimpleAtoi(text, &number)) return Wrong(text, "a whole number");
      Put<std::int32_t>(message, field, number, &Reflection::SetInt32, &Reflection::AddInt32);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text != "yes" && text != "no") return Wrong(text, "yes or no");
      Put<bool>(message, field, text == "yes", &Reflection::SetBool, &Reflection::AddBool);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM: {
      const EnumValueDescriptor* value = ValueOf(*field.enum_type(), text);
      if (value == nullptr) {
        return Wrong(text,
                     absl::StrCat("one of ", absl::StrJoin(WordsOf(*field.enum_type()), ", ")));
      }
      Put<const EnumValueDescriptor*>(message, field, value, &Reflection::SetEnum,
                                      &Reflection::AddEnum);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetMessage(text, *message.GetReflection()->MutableMessage(&message, &field));
    default:
      return absl::UnimplementedError(absl::StrCat("no way to write ", field.full_name()));
  }
}

std::string DayText(const v1::Day& day) {
  return absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day());
}

std::string MessageText(const Message& message) {
  const Descriptor* type = message.GetDescriptor();
  if (type == v1::Day::descriptor()) return DayText(static_cast<const v1::Day&>(message));
  if (type == Timestamp::descriptor()) {
    return TimeUtil::ToString(static_cast<const Timestamp&>(message));
  }
  if (type == Duration::descriptor()) {
    return TimeUtil::ToString(static_cast<const Duration&>(message));
  }
  return message.ShortDebugString();
}

std::string NumberText(const FieldDescriptor& field, std::int64_t number) {
  if (absl::EndsWith(field.name(), "_minor")) return MoneyText(number);
  // No id is 0: it stands for nobody.
  if (number == 0 && absl::EndsWith(field.name(), "_id")) return "";
  return absl::StrCat(number);
}

std::string ScalarText(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  if (field.has_presence() && !reflection.HasField(message, &field)) return "";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return NumberText(field, reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return NumberText(field, reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "yes" : "no";
    case FieldDescriptor::CPPTYPE_ENUM: {
      const EnumValueDescriptor& value = *reflection.GetEnum(message, &field);
      return value.number() == 0 ? "" : WordOf(value);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageText(reflection.GetMessage(message, &field));
    default:
      return "";
  }
}

std::string RepeatedText(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  std::vector<std::string> texts;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      texts.push_back(reflection.GetRepeatedString(message, &field, i));
    }
  }
  return absl::StrJoin(texts, "; ");
}

// The last part of a path, and what stands before it.
std::pair<absl::string_view, absl::string_view> SplitPath(absl::string_view path) {
  const std::size_t dot = path.find('.');
  if (dot == absl::string_view::npos) return {path, ""};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

}  // namespace

const FieldDescriptor* FieldAt(const Descriptor& message, absl::string_view path) {
  const auto [name, rest] = SplitPath(path);
  const FieldDescriptor* field = message.FindFieldByName(std::string(name));
  if (field == nullptr || rest.empty()) return field;
  return field->message_type() == nullptr ? nullptr : FieldAt(*field->message_type(), rest);
}

absl::Status SetField(Message& message, absl::string_view path,
                      const std::vector<std::string>& texts) {
  const auto [name, rest] = SplitPath(path);
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(std::string(name));
  if (!rest.empty()) {
    return SetField(*message.GetReflection()->MutableMessage(&message, field), rest, texts);
  }
  for (const std::string& text : texts) {
    if (absl::Status status = PutText(message, *field, text); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string TextOf(const Message& message, absl::string_view path) {
  const auto [name, rest] = SplitPath(path);
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(std::string(name));
  if (!rest.empty()) {
    return message.GetReflection()->HasField(message, field)
               ? TextOf(message.GetReflection()->GetMessage(message, field), rest)
               : "";
  }
  return field->is_repeated() ? RepeatedText(message, *field) : ScalarText(message, *field);
}

std::string PlaceholderOf(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_ENUM:
      return absl::StrJoin(WordsOf(*field.enum_type()), "|");
    case FieldDescriptor::CPPTYPE_BOOL:
      return "yes|no";
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
      return "N";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field.message_type() == v1::Day::descriptor()) return "DAY";
      if (field.message_type() == v1::DayRange::descriptor()) return "DAY[..DAY]";
      return "INSTANT";
    default:
      return "TEXT";
  }
}

std::string MoneyText(std::int64_t minor) {
  const absl::uint128 amount = minor < 0 ? -absl::int128(minor) : absl::int128(minor);
  const auto value = static_cast<std::uint64_t>(amount);
  return absl::StrFormat("%s%d.%02d", minor < 0 ? "-" : "", value / 100, value % 100);
}

}  // namespace aquifer::cli
