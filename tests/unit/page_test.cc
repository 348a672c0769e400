#include "repositories/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "aquifer/v1/collection.pb.h"
#include "repositories/errors.h"

namespace aquifer {
namespace {

using ::testing::ElementsAre;

v1::ListCollectionsRequest RequestOf(const std::string& device) {
  v1::ListCollectionsRequest request;
  request.mutable_filter()->add_device_ids(device);
  return request;
}

TEST(PageTest, TokenGivesItsKeysBack) {
  const auto request = RequestOf("164");
  const std::string token = EncodePageToken(request, {"1700000000000000", "42"});

  const auto keys = DecodePageToken(request, token, 2);

  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_THAT(**keys, ElementsAre("1700000000000000", "42"));
}

TEST(PageTest, EmptyTokenIsTheFirstPage) {
  const auto keys = DecodePageToken(RequestOf("164"), "", 2);

  ASSERT_TRUE(keys.ok());
  EXPECT_FALSE(keys->has_value());
}

TEST(PageTest, PageSizeMayChangeBetweenPages) {
  auto request = RequestOf("164");
  const std::string token = EncodePageToken(request, {"7"});
  request.set_page_size(500);
  request.set_page_token(token);

  EXPECT_TRUE(DecodePageToken(request, token, 1).ok());
}

TEST(PageTest, TokenOfAnotherFilterIsRefused) {
  const std::string token = EncodePageToken(RequestOf("164"), {"7"});

  const auto keys = DecodePageToken(RequestOf("165"), token, 1);

  EXPECT_EQ(keys.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(keys.status()), "PAGE_TOKEN_MISMATCH");
}

TEST(PageTest, AlteredTokensAreRefused) {
  const auto request = RequestOf("164");
  const std::string token = EncodePageToken(request, {"7", "8"});

  EXPECT_FALSE(DecodePageToken(request, token, 1).ok());
  EXPECT_FALSE(DecodePageToken(request, token, 3).ok());
  EXPECT_FALSE(DecodePageToken(request, "not base64!", 2).ok());
  for (std::size_t cut = 1; cut < token.size(); ++cut) {
    EXPECT_FALSE(DecodePageToken(request, token.substr(0, cut), 2).ok()) << cut;
  }
}

}  // namespace
}  // namespace aquifer
