// The C++ library over TLS, with and without a token, to a server that looks at both.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <utility>

#include "aquifer/client.h"
#include "tests/testing/tls_server.h"

namespace aquifer::client {
namespace {

constexpr char kName[] = "aquifer.test";

class ClientTlsTest : public ::testing::Test {
 protected:
  ClientTlsTest() { certificate_ = MakeCertificate("server"); }

  std::string MakeCertificate(const std::string& name) {
    return server_.MakeCertificate(name, absl::StrCat("DNS:", kName));
  }

  absl::Status Call(const TlsOptions& tls,
                    std::function<absl::StatusOr<std::string>()> token = nullptr) {
    const auto client = Connect({.endpoints = {server_.address()},
                                 .caller = "night fetch",
                                 .retries = {.max_tries = 1},
                                 .tls = tls,
                                 .token = std::move(token)});
    if (!client.ok()) return client.status();
    return client->admin()
        .GetStatus({}, {.timeout = absl::Seconds(20), .urgency = Urgency::kBulk})
        .status();
  }

  aquifer::testing::TlsServer server_;
  std::string certificate_;
};

TEST_F(ClientTlsTest, ServerOfAKnownAuthorityIsCalled) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());

  const absl::Status status = Call({.root_certificates = certificate_, .server_name = kName});

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(server_.listener().metadata("authorization"), "");
}

TEST_F(ClientTlsTest, ServerOfAnUnknownAuthorityOrOfAnotherNameIsNot) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());

  EXPECT_TRUE(absl::IsUnavailable(Call({.server_name = kName})));
  EXPECT_TRUE(absl::IsUnavailable(Call({.root_certificates = certificate_})));
}

TEST_F(ClientTlsTest, TokenTravelsWithEveryCall) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());
  const TlsOptions tls = {.root_certificates = certificate_, .server_name = kName};

  ASSERT_TRUE(Call(tls, [] { return "secret"; }).ok());

  EXPECT_EQ(server_.listener().metadata("authorization"), "Bearer secret");
}

TEST_F(ClientTlsTest, CallerNamesItselfAndItsUrgency) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());

  ASSERT_TRUE(Call({.root_certificates = certificate_, .server_name = kName}).ok());

  EXPECT_EQ(server_.listener().metadata("aquifer-caller"), "night fetch");
  EXPECT_EQ(server_.listener().metadata("aquifer-priority"), "batch");
}

TEST_F(ClientTlsTest, TokenThatCannotBeHadIsTheCallsError) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());
  const TlsOptions tls = {.root_certificates = certificate_, .server_name = kName};

  const absl::Status status = Call(tls, [] { return absl::NotFoundError("no token file"); });

  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("no token file"));
}

TEST_F(ClientTlsTest, CallerShowsItsOwnCertificate) {
  const std::string own = MakeCertificate("caller");
  ASSERT_NO_FATAL_FAILURE(server_.Serve(own));

  EXPECT_TRUE(absl::IsUnavailable(Call({.root_certificates = certificate_, .server_name = kName})));
  const absl::Status status = Call({.root_certificates = certificate_,
                                    .certificate = own,
                                    .private_key = server_.KeyOf("caller"),
                                    .server_name = kName});

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(server_.listener().peer_names(), 1u);
}

}  // namespace
}  // namespace aquifer::client
