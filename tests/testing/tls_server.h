// A server of Admin.GetStatus over TLS that keeps what its callers say of themselves.
#pragma once

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "aquifer/v1/admin.grpc.pb.h"
#include "server/database/whole_file.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {

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

// Certificates of our own signing, and a server that shows one of them.
class TlsServer {
 public:
  // "NAME.crt" in the directory, its key in "NAME.key" beside it; for `subject`, such as
  // "DNS:aquifer.test" or "IP:127.0.0.1". The certificate.
  std::string MakeCertificate(const std::string& name, const std::string& subject) {
    const std::string command = absl::StrCat(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=aquifer.test -addext subjectAltName=",
        subject, " -keyout ", PathOf(name + ".key"), " -out ", PathOf(name + ".crt"),
        " 2>/dev/null");
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return ReadWhole(PathOf(name + ".crt"));
  }
  std::string KeyOf(const std::string& name) const { return ReadWhole(PathOf(name + ".key")); }
  std::string PathOf(const std::string& file) const {
    return absl::StrCat(directory_.path(), "/", file);
  }

  // Shows the certificate "server". Callers must show one that `client_authority` signed, unless it
  // is empty.
  void Serve(const std::string& client_authority = "") {
    grpc::SslServerCredentialsOptions options(
        client_authority.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                 : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = client_authority;
    options.pem_key_cert_pairs.push_back({KeyOf("server"), ReadWhole(PathOf("server.crt"))});
    grpc::ServerBuilder builder;
    builder.RegisterService(&listener_);
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(port_, 0);
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  const Listener& listener() const { return listener_; }

 private:
  TemporaryDirectory directory_;
  Listener listener_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace aquifer::testing
