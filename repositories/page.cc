#include "repositories/page.h"

#include <absl/strings/escaping.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "repositories/errors.h"
#include "repositories/fingerprint.h"

namespace aquifer {
namespace {

using google::protobuf::Message;
namespace io = google::protobuf::io;

// A token is no secret; the fingerprint only catches one that wandered to another request.
std::uint64_t RequestFingerprint(const Message& request) {
  return FingerprintOf(request, {"page_size", "page_token"});
}

}  // namespace

std::string EncodePageToken(const Message& request, const std::vector<std::string>& keys) {
  std::string bytes;
  {
    io::StringOutputStream stream(&bytes);
    io::CodedOutputStream coded(&stream);
    coded.WriteLittleEndian64(RequestFingerprint(request));
    for (const std::string& key : keys) {
      coded.WriteVarint32(static_cast<std::uint32_t>(key.size()));
      coded.WriteString(key);
    }
  }
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<std::optional<std::vector<std::string>>> DecodePageToken(const Message& request,
                                                                        const std::string& token,
                                                                        std::size_t keys) {
  if (token.empty()) return std::nullopt;
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(token, &bytes)) return PageTokenMismatch();
  io::CodedInputStream coded(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                             static_cast<int>(bytes.size()));
  std::uint64_t fingerprint = 0;
  if (!coded.ReadLittleEndian64(&fingerprint) || fingerprint != RequestFingerprint(request)) {
    return PageTokenMismatch();
  }
  std::vector<std::string> values(keys);
  for (std::string& value : values) {
    std::uint32_t size = 0;
    if (!coded.ReadVarint32(&size) || size > bytes.size() ||
        !coded.ReadString(&value, static_cast<int>(size))) {
      return PageTokenMismatch();
    }
  }
  if (coded.CurrentPosition() != static_cast<int>(bytes.size())) return PageTokenMismatch();
  return values;
}

}  // namespace aquifer
