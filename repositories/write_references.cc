#include "repositories/write_references.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

namespace aquifer {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsId(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 &&
         (field.name() == "id" || absl::EndsWith(field.name(), "_id"));
}

}  // namespace

IdPath FindIdPath(const Descriptor& message, absl::string_view path) {
  IdPath found;
  const Descriptor* inside = &message;
  for (absl::string_view name : absl::StrSplit(path, '.')) {
    // Nothing is inside a field that is no message.
    if (inside == nullptr) return {};
    const FieldDescriptor* field = inside->FindFieldByName(std::string(name));
    if (field == nullptr || field->is_repeated()) return {};
    found.push_back(field);
    inside = field->message_type();
  }
  if (!IsId(*found.back())) return {};
  return found;
}

std::int64_t IdAt(const Message& message, const IdPath& path) {
  const Message* part = &message;
  for (const FieldDescriptor* field : path) {
    if (field == path.back()) return part->GetReflection()->GetInt64(*part, field);
    if (!part->GetReflection()->HasField(*part, field)) return 0;
    part = &part->GetReflection()->GetMessage(*part, field);
  }
  return 0;
}

void SetIdAt(Message& message, const IdPath& path, std::int64_t id) {
  Message* part = &message;
  for (const FieldDescriptor* field : path) {
    if (field == path.back()) {
      part->GetReflection()->SetInt64(part, field, id);
    } else {
      part = part->GetReflection()->MutableMessage(part, field);
    }
  }
}

const FieldDescriptor* RequestFieldOf(const v1::Write& write) {
  return write.GetReflection()->GetOneofFieldDescriptor(
      write, v1::Write::descriptor()->FindOneofByName("request"));
}

const Message& RequestOf(const v1::Write& write) {
  return write.GetReflection()->GetMessage(write, RequestFieldOf(write));
}

Message& MutableRequestOf(v1::Write& write) {
  return *write.GetReflection()->MutableMessage(&write, RequestFieldOf(write));
}

std::string WritePath(int index) { return absl::StrCat("writes[", index, "]"); }

std::string ReferencePath(int write, int reference, absl::string_view field) {
  return absl::StrCat(WritePath(write), ".references[", reference, "].", field);
}

}  // namespace aquifer
