#include "repositories/field_rules.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/time/civil_time.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/wire_format_lite.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "aquifer/v1/common.pb.h"
#include "aquifer/v1/options.pb.h"
#include "repositories/update_mask.h"

namespace aquifer {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

constexpr std::int32_t kDefaultMaxLength = 256;
constexpr std::int32_t kDefaultMaxItems = 1000;
// Years 1 and 9999 as google.protobuf.Timestamp bounds them.
constexpr std::int64_t kFirstSecond = -62135596800;
constexpr std::int64_t kLastSecond = 253402300799;

// Characters, not bytes; continuation bytes of UTF-8 do not count.
std::int64_t CountCharacters(absl::string_view text) {
  std::int64_t count = 0;
  for (unsigned char c : text) count += (c & 0xC0) != 0x80;
  return count;
}

int MostItems(const v1::FieldRules& rules) {
  return rules.has_max_items() ? rules.max_items() : kDefaultMaxItems;
}

std::string TooManyItems(int max) { return absl::StrCat("must have at most ", max, " elements"); }

// The update mask of a message, null if it has none.
const FieldDescriptor* MaskIn(const google::protobuf::Descriptor& descriptor) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* field = descriptor.field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated() &&
        field->message_type() == FieldMask::descriptor()) {
      return field;
    }
  }
  return nullptr;
}

// The message beside `mask` that it masks, null if it does not say.
const FieldDescriptor* MaskedBy(const FieldDescriptor& mask) {
  return mask.containing_type()->FindFieldByName(mask.options().GetExtension(v1::rules).mask_of());
}

class Checker {
 public:
  std::vector<FieldViolation> Take() { return std::move(violations_); }

  void CheckMessage(const Message& message, const std::string& path) {
    const auto* descriptor = message.GetDescriptor();
    if (descriptor == google::protobuf::Timestamp::descriptor()) {
      CheckTimestamp(static_cast<const google::protobuf::Timestamp&>(message), path);
      return;
    }
    const std::string prefix = path.empty() ? "" : path + ".";
    for (int i = 0; i < descriptor->real_oneof_decl_count(); ++i) {
      CheckOneof(message, *descriptor->oneof_decl(i), prefix);
    }
    const FieldDescriptor* mask = MaskIn(*descriptor);
    const FieldDescriptor* masked = mask ? MaskedBy(*mask) : nullptr;
    for (int i = 0; i < descriptor->field_count(); ++i) {
      if (descriptor->field(i) != masked) CheckField(message, *descriptor->field(i), prefix);
    }
    if (masked) CheckMasked(message, *masked, *mask, prefix);
    CheckMeaning(message, path);
  }

 private:
  void Add(const std::string& field, absl::string_view description) {
    violations_.push_back({field, std::string(description)});
  }

  void CheckOneof(const Message& message, const OneofDescriptor& oneof, const std::string& prefix) {
    const auto& rules = oneof.options().GetExtension(v1::oneof_rules);
    if (!rules.required() || message.GetReflection()->HasOneof(message, &oneof)) return;
    std::string members;
    for (int i = 0; i < oneof.field_count(); ++i) {
      absl::StrAppend(&members, i == 0 ? "" : ", ", oneof.field(i)->name());
    }
    Add(absl::StrCat(prefix, oneof.name()), absl::StrCat("must be one of ", members));
  }

  // Checks `field` as far as `mask` names its parts, and the mask.
  void CheckMasked(const Message& message, const FieldDescriptor& field,
                   const FieldDescriptor& mask, const std::string& prefix) {
    const Reflection& reflection = *message.GetReflection();
    const auto& names = static_cast<const FieldMask&>(reflection.GetMessage(message, &mask));
    for (FieldViolation& violation :
         CheckUpdateMask(names, *field.message_type(), prefix + mask.name())) {
      violations_.push_back(std::move(violation));
    }
    if (!reflection.HasField(message, &field)) {
      Add(prefix + field.name(), "is required");
      return;
    }
    const UpdateMask has(names);
    const Message& resource = reflection.GetMessage(message, &field);
    const auto& descriptor = *field.message_type();
    const std::string inner = prefix + field.name() + ".";
    for (int i = 0; i < descriptor.field_count(); ++i) {
      if (has.Has(descriptor.field(i)->name())) CheckField(resource, *descriptor.field(i), inner);
    }
  }

  void CheckField(const Message& message, const FieldDescriptor& field, const std::string& prefix) {
    const v1::FieldRules& rules = field.options().GetExtension(v1::rules);
    const Reflection& reflection = *message.GetReflection();
    const std::string path = prefix + field.name();
    if (field.is_repeated()) {
      CheckList(message, field, rules, path);
      return;
    }
    // For a field without presence, HasField means "not the default".
    if (!reflection.HasField(message, &field)) {
      if (rules.required()) Add(path, "is required");
      return;
    }
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        CheckMessage(reflection.GetMessage(message, &field), path);
        break;
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        CheckText(reflection.GetStringReference(message, &field, &scratch), rules, path);
        break;
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        CheckEnum(reflection.GetEnumValue(message, &field), field, path);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        CheckNumber(reflection.GetInt32(message, &field), rules, path);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        CheckNumber(reflection.GetInt64(message, &field), rules, path);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        CheckReal(reflection.GetDouble(message, &field), rules, path);
        break;
      default:
        break;  // bool, and kinds no request has.
    }
  }

  void CheckList(const Message& message, const FieldDescriptor& field, const v1::FieldRules& rules,
                 const std::string& path) {
    const Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    const int max = MostItems(rules);
    if (rules.required() && size == 0) Add(path, "is required");
    if (size > max) {
      Add(path, TooManyItems(max));
      return;
    }
    if (rules.elements() == v1::ELEMENTS_ALONE) return;
    for (int i = 0; i < size; ++i) {
      const std::string element = absl::StrCat(path, "[", i, "]");
      switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_MESSAGE:
          CheckMessage(reflection.GetRepeatedMessage(message, &field, i), element);
          break;
        case FieldDescriptor::CPPTYPE_STRING: {
          std::string scratch;
          CheckText(reflection.GetRepeatedStringReference(message, &field, i, &scratch), rules,
                    element);
          break;
        }
        case FieldDescriptor::CPPTYPE_ENUM:
          CheckEnum(reflection.GetRepeatedEnumValue(message, &field, i), field, element);
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          CheckNumber(reflection.GetRepeatedInt64(message, &field, i), rules, element);
          break;
        default:
          break;
      }
    }
  }

  void CheckText(const std::string& text, const v1::FieldRules& rules, const std::string& path) {
    const std::int32_t max = rules.has_max_length() ? rules.max_length() : kDefaultMaxLength;
    if (CountCharacters(text) > max) {
      Add(path, absl::StrCat("must have at most ", max, " characters"));
    }
    if (text.find('\0') != std::string::npos) Add(path, "must not contain a NUL byte");
  }

  void CheckEnum(int value, const FieldDescriptor& field, const std::string& path) {
    if (field.enum_type()->FindValueByNumber(value) == nullptr) {
      Add(path, absl::StrCat("must be a declared value of ", field.enum_type()->name()));
    }
  }

  void CheckNumber(std::int64_t value, const v1::FieldRules& rules, const std::string& path) {
    if (rules.has_min() && value < rules.min()) {
      Add(path, absl::StrCat("must be at least ", rules.min()));
    }
    if (rules.has_max() && value > rules.max()) {
      Add(path, absl::StrCat("must be at most ", rules.max()));
    }
  }

  void CheckReal(double value, const v1::FieldRules& rules, const std::string& path) {
    if (!std::isfinite(value)) {
      Add(path, "must be a finite number");
      return;
    }
    if (rules.has_min() && value < static_cast<double>(rules.min())) {
      Add(path, absl::StrCat("must be at least ", rules.min()));
    }
    if (rules.has_max() && value > static_cast<double>(rules.max())) {
      Add(path, absl::StrCat("must be at most ", rules.max()));
    }
  }

  void CheckTimestamp(const google::protobuf::Timestamp& instant, const std::string& path) {
    if (instant.seconds() < kFirstSecond || instant.seconds() > kLastSecond ||
        instant.nanos() < 0 || instant.nanos() > 999999999) {
      Add(path, "must be an instant in years 1 to 9999");
    }
  }

  // What single fields cannot say. Runs also where a part was refused; only whole parts count.
  void CheckMeaning(const Message& message, const std::string& path) {
    const auto* descriptor = message.GetDescriptor();
    if (descriptor == v1::Day::descriptor()) {
      const auto& day = static_cast<const v1::Day&>(message);
      const absl::CivilDay civil(day.year(), day.month(), day.day());
      const bool numbers_allowed = day.year() >= 1970 && day.year() <= 9999 && day.month() >= 1 &&
                                   day.month() <= 12 && day.day() >= 1 && day.day() <= 31;
      if (day.year() == 0 || day.month() == 0 || day.day() == 0) {
        Add(path, "must have a year, a month and a day");
      } else if (numbers_allowed && civil.day() != day.day()) {
        Add(path, "must be a day that exists");
      }
    } else if (descriptor == v1::DayRange::descriptor()) {
      const auto& range = static_cast<const v1::DayRange&>(message);
      if (!range.has_first() || !range.has_last()) return;
      const auto civil = [](const v1::Day& day) {
        return absl::CivilDay(day.year(), day.month(), day.day());
      };
      if (civil(range.last()) < civil(range.first())) {
        Add(path, "must not end before it begins");
      }
    } else if (descriptor == v1::InstantRange::descriptor()) {
      const auto& range = static_cast<const v1::InstantRange&>(message);
      if (!range.has_start() || !range.has_end()) return;
      const auto key = [](const google::protobuf::Timestamp& instant) {
        return std::pair(instant.seconds(), instant.nanos());
      };
      if (key(range.end()) <= key(range.start())) Add(path, "must end after it begins");
    }
  }

  std::vector<FieldViolation> violations_;
};

// Whether there is a list in such a message.
bool HasLists(const google::protobuf::Descriptor& descriptor) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.is_repeated()) return true;
    if (field.message_type() != nullptr && HasLists(*field.message_type())) return true;
  }
  return false;
}

// Counts the elements of lists on the wire, up to the first that is too long.
class ListCounter {
 public:
  explicit ListCounter(google::protobuf::io::ZeroCopyInputStream& bytes) : input_(&bytes) {}

  std::vector<FieldViolation> Take() { return std::move(violations_); }

  // False once there is nothing more to find.
  bool Count(const google::protobuf::Descriptor& descriptor, const std::string& prefix) {
    while (const std::uint32_t tag = input_.ReadTag()) {
      const FieldDescriptor* field =
          descriptor.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      if (field != nullptr && field->is_repeated()) {
        const int max = MostItems(field->options().GetExtension(v1::rules));
        const std::string path = prefix + field->name();
        const int count = ++counts_[path];
        if (count > max) {
          violations_.push_back({path, TooManyItems(max)});
          return false;
        }
        if (IsLengthDelimited(tag) && field->message_type() != nullptr &&
            HasLists(*field->message_type())) {
          // The lists of an element are its own.
          std::map<std::string, int> others = std::exchange(counts_, {});
          const bool more =
              CountPart(*field->message_type(), absl::StrCat(path, "[", count - 1, "]."));
          counts_ = std::move(others);
          if (!more) return false;
          continue;
        }
      } else if (field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                 IsLengthDelimited(tag)) {
        if (!CountPart(*field->message_type(), prefix + field->name() + ".")) return false;
        continue;
      }
      if (!WireFormatLite::SkipField(&input_, tag)) return false;
    }
    return true;
  }

 private:
  using WireFormatLite = google::protobuf::internal::WireFormatLite;

  static bool IsLengthDelimited(std::uint32_t tag) {
    return WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
  }

  bool CountPart(const google::protobuf::Descriptor& descriptor, const std::string& prefix) {
    const auto [limit, depth] = input_.IncrementRecursionDepthAndPushLimit(ReadSize());
    const bool more = depth >= 0 && Count(descriptor, prefix);
    return input_.DecrementRecursionDepthAndPopLimit(limit) && more;
  }

  int ReadSize() {
    std::uint32_t size = 0;
    return input_.ReadVarint32(&size) ? static_cast<int>(size) : 0;
  }

  google::protobuf::io::CodedInputStream input_;
  std::map<std::string, int> counts_;
  std::vector<FieldViolation> violations_;
};

}  // namespace

std::vector<FieldViolation> CheckListLengths(google::protobuf::io::ZeroCopyInputStream& bytes,
                                             const google::protobuf::Descriptor& descriptor) {
  ListCounter counter(bytes);
  counter.Count(descriptor, "");
  return counter.Take();
}

std::vector<FieldViolation> CheckFieldRules(const Message& message, const std::string& path) {
  Checker checker;
  checker.CheckMessage(message, path);
  return checker.Take();
}

}  // namespace aquifer
