#include "repositories/enum_text.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

namespace aquifer {
namespace {

// What all names begin with: the first is PREFIX_UNSPECIFIED, which buf lint holds for every enum.
absl::string_view PrefixOf(const google::protobuf::EnumDescriptor& type) {
  const absl::string_view first = type.value(0)->name();
  return first.substr(0, first.size() - (sizeof("UNSPECIFIED") - 1));
}

}  // namespace

std::string EnumText(const google::protobuf::EnumDescriptor& type, int value) {
  const auto* declared = type.FindValueByNumber(value);
  if (declared == nullptr) return "";
  return absl::AsciiStrToLower(absl::string_view(declared->name()).substr(PrefixOf(type).size()));
}

int EnumNumber(const google::protobuf::EnumDescriptor& type, absl::string_view text) {
  const auto* value =
      type.FindValueByName(absl::StrCat(PrefixOf(type), absl::AsciiStrToUpper(text)));
  return value == nullptr ? 0 : value->number();
}

}  // namespace aquifer
