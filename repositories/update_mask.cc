#include "repositories/update_mask.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>

namespace aquifer {
namespace {

std::string FieldNames(const google::protobuf::Descriptor& resource) {
  std::string names;
  for (int i = 0; i < resource.field_count(); ++i) {
    absl::StrAppend(&names, i == 0 ? "" : ", ", resource.field(i)->name());
  }
  return names;
}

}  // namespace

bool UpdateMask::Has(absl::string_view field) const {
  return std::any_of(mask_.paths().begin(), mask_.paths().end(),
                     [&](const std::string& path) { return path == field; });
}

std::vector<FieldViolation> CheckUpdateMask(const google::protobuf::FieldMask& mask,
                                            const google::protobuf::Descriptor& resource,
                                            const std::string& path) {
  if (mask.paths().empty()) {
    return {{path, absl::StrCat("must name what to change, of ", FieldNames(resource))}};
  }
  // Descriptions without the bad path itself: a caller may have put anything there.
  std::vector<FieldViolation> violations;
  const auto unknown = [&](const std::string& name) {
    return resource.FindFieldByName(name) == nullptr;
  };
  if (std::any_of(mask.paths().begin(), mask.paths().end(), unknown)) {
    violations.push_back({path, absl::StrCat("must name only ", FieldNames(resource))});
  }
  const std::set<std::string> names(mask.paths().begin(), mask.paths().end());
  if (static_cast<int>(names.size()) < mask.paths_size()) {
    violations.push_back({path, "must name a field once"});
  }
  return violations;
}

}  // namespace aquifer
