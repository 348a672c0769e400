// Which fields an update changes.
//
// An update's request has a resource message and, beside it, a google.protobuf.FieldMask that says
// `(rules).mask_of` it. CheckFieldRules refuses a bad mask together with whatever else is wrong
// with the request, and checks of the resource only what the mask names; so a repository merely
// asks:
//
//   const UpdateMask mask(request.update_mask());
//   session_.Run(kUpdate, request.id(), mask.Has("name"), request.worker().name());
//
//   SET name = CASE WHEN $2::boolean THEN $3::text ELSE worker.name END
#pragma once

#include <absl/strings/string_view.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/field_mask.pb.h>

#include <string>
#include <vector>

#include "repositories/errors.h"

namespace aquifer {

// A view of a mask that was checked; valid while that lives.
class UpdateMask {
 public:
  explicit UpdateMask(const google::protobuf::FieldMask& mask) : mask_(mask) {}

  // Whether the update changes `field`.
  bool Has(absl::string_view field) const;

 private:
  const google::protobuf::FieldMask& mask_;
};

// What is wrong with a mask over `resource`'s fields, said of the field `path`: it names nothing,
// names what is no field there (a part of one and "*" are none), or names a field twice.
std::vector<FieldViolation> CheckUpdateMask(const google::protobuf::FieldMask& mask,
                                            const google::protobuf::Descriptor& resource,
                                            const std::string& path = "update_mask");

}  // namespace aquifer
