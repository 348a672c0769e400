#include "repositories/fingerprint.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <memory>
#include <string>

namespace aquifer {
namespace {

using google::protobuf::Message;
namespace io = google::protobuf::io;

// FNV-1a: stable across builds and instances, which std::hash is not.
std::uint64_t HashOf(absl::string_view bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (unsigned char c : bytes) {
    hash = (hash ^ c) * 1099511628211u;
  }
  return hash;
}

}  // namespace

std::uint64_t FingerprintOf(const Message& message, absl::Span<const char* const> without) {
  std::unique_ptr<Message> bare(message.New());
  bare->CopyFrom(message);
  for (const char* name : without) {
    if (const auto* field = bare->GetDescriptor()->FindFieldByName(name)) {
      bare->GetReflection()->ClearField(bare.get(), field);
    }
  }
  std::string bytes;
  {
    io::StringOutputStream stream(&bytes);
    io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    bare->SerializeToCodedStream(&coded);
  }
  return HashOf(absl::StrCat(bare->GetDescriptor()->full_name(), "\n", bytes));
}

}  // namespace aquifer
