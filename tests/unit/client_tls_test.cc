// The C++ library over TLS, with and without a token, to a server that looks at both.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "aquifer/client.h"
#include "aquifer/v1/admin.grpc.pb.h"
#include "server/database/whole_file.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::client {
namespace {

constexpr char kName[] = "aquifer.test";

// Answers, and keeps what the last caller said of itself.
class Listener final : public v1::Admin::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest*,
                         v1::GetStatusResponse*) override {
    const std::lock_guard lock(mutex_);
    metadata_.clear();
    for (const auto& [key, value] : context->client_metadata()) {
      metadata_[{key.data(), key.size()}] = {value.data(), value.size()};
    }
    peer_names_ = context->auth_context()->GetPeerIdentity().size();
    return grpc::Status::OK;
  }

  // Empty if the last caller sent none.
  std::string metadata(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = metadata_.find(key);
    return found == metadata_.end() ? "" : found->second;
  }
  std::size_t peer_names() const {
    const std::lock_guard lock(mutex_);
    return peer_names_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> metadata_;
  std::size_t peer_names_ = 0;
};

class ClientTlsTest : public ::testing::Test {
 protected:
  ClientTlsTest() { certificate_ = MakeCertificate("server"); }

  // Of our own signing, for kName; the key beside it.
  std::string MakeCertificate(const std::string& file) {
    const std::string stem = absl::StrCat(directory_.path(), "/", file);
    const std::string command = absl::StrCat(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=",
        kName, " -addext subjectAltName=DNS:", kName, " -keyout ", stem, ".key -out ", stem,
        ".crt 2>/dev/null");
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return ReadWhole(stem + ".crt");
  }
  std::string KeyOf(const std::string& file) const {
    return ReadWhole(absl::StrCat(directory_.path(), "/", file, ".key"));
  }

  // Callers must show a certificate that `client_authority` signed, unless it is empty.
  void Serve(const std::string& client_authority = "") {
    grpc::SslServerCredentialsOptions options(
        client_authority.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                 : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = client_authority;
    options.pem_key_cert_pairs.push_back({KeyOf("server"), certificate_});
    grpc::ServerBuilder builder;
    builder.RegisterService(&listener_);
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(port_, 0);
  }

  absl::Status Call(const TlsOptions& tls,
                    std::function<absl::StatusOr<std::string>()> token = nullptr) {
    const auto client = Connect({.endpoints = {absl::StrCat("127.0.0.1:", port_)},
                                 .caller = "night fetch",
                                 .retries = {.max_tries = 1},
                                 .tls = tls,
                                 .token = std::move(token)});
    if (!client.ok()) return client.status();
    return client->admin()
        .GetStatus({}, {.timeout = absl::Seconds(20), .urgency = Urgency::kBulk})
        .status();
  }

  aquifer::testing::TemporaryDirectory directory_;
  std::string certificate_;
  Listener listener_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ClientTlsTest, ServerOfAKnownAuthorityIsCalled) {
  ASSERT_NO_FATAL_FAILURE(Serve());

  const absl::Status status = Call({.root_certificates = certificate_, .server_name = kName});

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(listener_.metadata("authorization"), "");
}

TEST_F(ClientTlsTest, ServerOfAnUnknownAuthorityOrOfAnotherNameIsNot) {
  ASSERT_NO_FATAL_FAILURE(Serve());

  EXPECT_TRUE(absl::IsUnavailable(Call({.server_name = kName})));
  EXPECT_TRUE(absl::IsUnavailable(Call({.root_certificates = certificate_})));
}

TEST_F(ClientTlsTest, TokenTravelsWithEveryCall) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  const TlsOptions tls = {.root_certificates = certificate_, .server_name = kName};

  ASSERT_TRUE(Call(tls, [] { return "secret"; }).ok());

  EXPECT_EQ(listener_.metadata("authorization"), "Bearer secret");
}

TEST_F(ClientTlsTest, CallerNamesItselfAndItsUrgency) {
  ASSERT_NO_FATAL_FAILURE(Serve());

  ASSERT_TRUE(Call({.root_certificates = certificate_, .server_name = kName}).ok());

  EXPECT_EQ(listener_.metadata("aquifer-caller"), "night fetch");
  EXPECT_EQ(listener_.metadata("aquifer-priority"), "batch");
}

TEST_F(ClientTlsTest, TokenThatCannotBeHadIsTheCallsError) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  const TlsOptions tls = {.root_certificates = certificate_, .server_name = kName};

  const absl::Status status = Call(tls, [] { return absl::NotFoundError("no token file"); });

  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("no token file"));
}

TEST_F(ClientTlsTest, CallerShowsItsOwnCertificate) {
  const std::string own = MakeCertificate("caller");
  ASSERT_NO_FATAL_FAILURE(Serve(own));

  EXPECT_TRUE(absl::IsUnavailable(Call({.root_certificates = certificate_, .server_name = kName})));
  const absl::Status status = Call({.root_certificates = certificate_,
                                    .certificate = own,
                                    .private_key = KeyOf("caller"),
                                    .server_name = kName});

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(listener_.peer_names(), 1u);
}

}  // namespace
}  // namespace aquifer::client
