// The command line over TLS and with a token, to a server that looks at both.
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/command_line.h"
#include "client/cli/exit_code.h"
#include "tests/testing/tls_server.h"

namespace aquifer::cli {
namespace {

using ::testing::HasSubstr;

class CliTlsTest : public ::testing::Test {
 protected:
  CliTlsTest() { server_.MakeCertificate("server", "IP:127.0.0.1"); }

  // "aquifer FLAGS status"; its exit code.
  int Status(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"--address", server_.address(), "--timeout", "20"});
    flags.emplace_back("status");
    told_.str("");
    return RunCommandLine(std::move(flags), [this](const char* name) { return environment_[name]; },
                          {.in = none_, .out = told_, .err = told_});
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(server_.PathOf(name)) << text;
    return server_.PathOf(name);
  }
  std::string Authority() const { return server_.PathOf("server.crt"); }
  std::string Token() const { return server_.listener().metadata("authorization"); }

  testing::TlsServer server_;
  std::map<std::string, std::string> environment_;
  std::istringstream none_;
  std::ostringstream told_;
};

TEST_F(CliTlsTest, FilesOfTlsMeanTls) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());

  EXPECT_EQ(Status({"--tls-ca", Authority()}), kExitOk) << told_.str();
  EXPECT_EQ(Token(), "");
}

TEST_F(CliTlsTest, ServerOfAnUnknownAuthorityIsAwayWithAHint) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());

  EXPECT_EQ(Status({"--tls"}), kExitAway);
  EXPECT_THAT(told_.str(), HasSubstr("signed by one of --tls-ca"));
  environment_ = {{"AQUIFER_TLS", "1"}};
  EXPECT_EQ(Status({}), kExitAway);
  EXPECT_THAT(told_.str(), HasSubstr("signed by one of --tls-ca"));
}

TEST_F(CliTlsTest, TokenOfAFileIsSent) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());
  const std::string token = Write("token", "secret\n");

  EXPECT_EQ(Status({"--tls-ca", Authority(), "--token-file", token}), kExitOk) << told_.str();

  EXPECT_EQ(Token(), "Bearer secret");
}

TEST_F(CliTlsTest, TokenOfAPipeIsReadOnce) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());
  // As a shell's <(command) would be.
  int ends[2] = {};
  ASSERT_EQ(pipe(ends), 0);
  constexpr absl::string_view kToken = "from-a-pipe";
  ASSERT_EQ(write(ends[1], kToken.data(), kToken.size()), kToken.size());
  close(ends[1]);

  EXPECT_EQ(Status({"--tls-ca", Authority(), "--token-file", absl::StrCat("/dev/fd/", ends[0])}),
            kExitOk)
      << told_.str();
  close(ends[0]);

  EXPECT_EQ(Token(), "Bearer from-a-pipe");
}

TEST_F(CliTlsTest, EnvironmentNamesTheFilesAndFlagsGoBeforeIt) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());
  environment_ = {{"AQUIFER_TLS_CA", Authority()},
                  {"AQUIFER_TOKEN_FILE", Write("token", "of-the-environment")}};

  EXPECT_EQ(Status({}), kExitOk) << told_.str();
  EXPECT_EQ(Token(), "Bearer of-the-environment");
  EXPECT_EQ(Status({"--token-file", Write("other", "of-the-flag")}), kExitOk) << told_.str();
  EXPECT_EQ(Token(), "Bearer of-the-flag");
}

TEST_F(CliTlsTest, CallerShowsItsOwnCertificate) {
  const std::string own = server_.MakeCertificate("caller", "DNS:caller");
  ASSERT_NO_FATAL_FAILURE(server_.Serve(own));

  EXPECT_EQ(Status({"--tls-ca", Authority()}), kExitAway);
  EXPECT_EQ(Status({"--tls-ca", Authority(), "--tls-cert", server_.PathOf("caller.crt"),
                    "--tls-key", server_.PathOf("caller.key")}),
            kExitOk)
      << told_.str();
}

TEST_F(CliTlsTest, TokenIsNotSentInPlaintext) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());

  EXPECT_EQ(Status({"--token-file", Write("token", "secret")}), kExitUsage);

  EXPECT_THAT(told_.str(), HasSubstr("a token needs TLS"));
}

TEST_F(CliTlsTest, WrongFileIsAskedWronglyAndNamed) {
  ASSERT_NO_FATAL_FAILURE(server_.Serve());
  const std::string ca = Authority();
  const std::string missing = server_.PathOf("missing");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--tls-ca", missing}, "--tls-ca " + missing + ": No such file or directory"},
      {{"--tls-ca", server_.PathOf("")}, "Is a directory"},
      {{"--tls-ca", Write("text", "no PEM")}, "holds no CERTIFICATE in PEM form"},
      {{"--tls-ca", server_.PathOf("server.key")}, "holds no CERTIFICATE in PEM form"},
      {{"--tls-cert", ca}, "a certificate needs its private key"},
      {{"--tls-cert", ca, "--tls-key", ca}, "holds no PRIVATE KEY in PEM form"},
      {{"--tls-ca", "/dev/zero"}, "is larger than 1 MiB"},
      {{"--tls", "--token-file", missing}, "--token-file " + missing + ": No such file"},
      {{"--tls", "--token-file", Write("empty", "\n")}, "is empty"},
      {{"--tls", "--token-file", ca}, "is not one word"}};

  for (const auto& [flags, told] : cases) {
    EXPECT_EQ(Status(flags), kExitUsage) << told_.str();
    EXPECT_THAT(told_.str(), HasSubstr(told));
  }
  environment_ = {{"AQUIFER_TLS", "treu"}};
  EXPECT_EQ(Status({}), kExitUsage);
  EXPECT_THAT(told_.str(), HasSubstr("AQUIFER_TLS must be"));
}

}  // namespace
}  // namespace aquifer::cli
