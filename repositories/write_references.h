// Ids that one write of a transaction takes from another, by the paths of their fields.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aquifer/v1/transaction.pb.h"
#include "repositories/errors.h"

namespace aquifer {

// From a message to an int64 field in it, through its parts.
using IdPath = std::vector<const google::protobuf::FieldDescriptor*>;

// The path "task.technician_id" in such a message; empty if there is no such field, or it is no
// single int64 named `id` or `..._id`.
IdPath FindIdPath(const google::protobuf::Descriptor& message, absl::string_view path);

// The id at a path; 0 if it or a part on the way is absent.
std::int64_t IdAt(const google::protobuf::Message& message, const IdPath& path);
void SetIdAt(google::protobuf::Message& message, const IdPath& path, std::int64_t id);

// The member of the write's oneof that is set; null if none is.
const google::protobuf::FieldDescriptor* RequestFieldOf(const v1::Write& write);
// That member's message. Only where there is one.
const google::protobuf::Message& RequestOf(const v1::Write& write);
google::protobuf::Message& MutableRequestOf(v1::Write& write);

// "writes[9]"
std::string WritePath(int index);
// "writes[9].references[0].field"
std::string ReferencePath(int write, int reference, absl::string_view field);

}  // namespace aquifer
