// What the C++ library tells gRPC, and what it says of the API.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "aquifer/v1/maintenance.pb.h"
#include "client/channels.h"
#include "client/request_id.h"
#include "client/service_config.h"
#include "repositories/fingerprint.h"
#include "repositories/request_ledger.h"

namespace aquifer::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

google::protobuf::Struct Parsed(const std::string& json) {
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &parsed).ok()) << json;
  return parsed;
}

TEST(ClientConfigTest, GrpcRetriesStreamsOfRequestsAndNothingElse) {
  const auto config = Parsed(ServiceConfig(Balancing::kFirst, HealthChecks::kOff));

  const auto& methods = config.fields().at("methodConfig").list_value();
  ASSERT_EQ(methods.values_size(), 1);
  const auto& method = methods.values(0).struct_value().fields();
  std::vector<std::string> names;
  for (const auto& name : method.at("name").list_value().values()) {
    const auto& fields = name.struct_value().fields();
    names.push_back(
        absl::StrCat(fields.at("service").string_value(), "/", fields.at("method").string_value()));
  }
  EXPECT_THAT(names, ElementsAre("aquifer.v1.CollectionRepository/ImportCollections"));
  const auto& policy = method.at("retryPolicy").struct_value().fields();
  EXPECT_EQ(policy.at("retryableStatusCodes").list_value().values(0).string_value(), "UNAVAILABLE");
}

TEST(ClientConfigTest, TurnsAreTakenAmongTheHealthy) {
  const std::string turns = ServiceConfig(Balancing::kRoundRobin, HealthChecks::kOn);
  const std::string first = ServiceConfig(Balancing::kFirst, HealthChecks::kOff);

  EXPECT_EQ(Parsed(turns).fields().count("healthCheckConfig"), 1u);
  EXPECT_THAT(turns, HasSubstr("round_robin"));
  EXPECT_EQ(Parsed(first).fields().count("healthCheckConfig"), 0u);
  EXPECT_THAT(first, HasSubstr("pick_first"));
}

TEST(ClientConfigTest, OneEndpointIsLeftToDnsAndSeveralAreAddresses) {
  EXPECT_EQ(*TargetOf({"aquifer.internal:50051"}), "dns:///aquifer.internal:50051");
  EXPECT_EQ(*TargetOf({"[::1]:50051"}), "dns:///[::1]:50051");
  EXPECT_EQ(*TargetOf({"unix:/run/aquifer"}), "unix:/run/aquifer");
  EXPECT_EQ(*TargetOf({"10.0.0.1:1", "10.0.0.2:2"}), "ipv4:10.0.0.1:1,10.0.0.2:2");
  EXPECT_EQ(*TargetOf({"[::1]:1", "[::2]:2"}), "ipv6:[::1]:1,[::2]:2");
}

TEST(ClientConfigTest, WhatIsNoEndpointIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(TargetOf({}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(TargetOf({"10.0.0.1:1", "unix:/run/aquifer"}).status()));
  for (const char* bad : {"", "localhost", ":50051", "localhost:", "[]:1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(TargetOf({bad}).status())) << bad;
    EXPECT_TRUE(absl::IsInvalidArgument(TargetOf({"10.0.0.1:1", bad}).status())) << bad;
  }
  EXPECT_TRUE(absl::IsNotFound(TargetOf({"10.0.0.1:1", "[::1]:1"}).status()));
}

TEST(ClientConfigTest, OptionsThatContradictEachOtherAreRefused) {
  const auto token = [] { return "secret"; };
  EXPECT_TRUE(absl::IsInvalidArgument(MakeChannels({.token = token}).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(MakeChannels({.tls = TlsOptions{.certificate = "x"}}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(MakeChannels({.keepalive = absl::Seconds(1)}).status()));
}

TEST(ClientConfigTest, RequestIdsAreUuidsOfWhichNoTwoAreAlike) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = NewRequestId();
    EXPECT_TRUE(IsRequestId(id)) << id;
    EXPECT_EQ(id[14], '4');
    EXPECT_THAT("89ab", HasSubstr(id.substr(19, 1)));
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(ClientConfigTest, RequestIdIsFilledInWhereTheMethodReadsIt) {
  v1::MethodPolicy policy;
  v1::CreateTaskRequest request;
  policy.set_idempotence(v1::IDEMPOTENCE_BY_REQUEST_ID);
  const auto filled = WithRequestId(policy, request);
  ASSERT_NE(filled, nullptr);
  EXPECT_TRUE(IsRequestId(static_cast<const v1::CreateTaskRequest&>(*filled).request_id()));
  EXPECT_NE(WithRequestId((policy.set_idempotence(v1::IDEMPOTENCE_GUARDED), policy), request),
            nullptr);

  request.set_request_id("mine");
  EXPECT_EQ(WithRequestId(policy, request), nullptr);
  request.clear_request_id();
  policy.set_idempotence(v1::IDEMPOTENCE_BY_KEY);
  EXPECT_EQ(WithRequestId(policy, request), nullptr);
}

// What a text file holds, without its white space.
std::string Squeezed(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string text;
  for (std::string word; file >> word;) text += word;
  return text;
}

TEST(ClientConfigTest, HeadersHaveEveryMethodOfTheApi) {
  const std::filesystem::path root = AQUIFER_SOURCE_DIR;
  std::string headers;
  for (const auto& entry : std::filesystem::directory_iterator(root / "client/include/aquifer")) {
    headers += Squeezed(entry.path());
  }
  int methods = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root / "proto/aquifer/v1")) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line.rfind("  rpc ", 0) != 0) continue;
      ++methods;
      const std::string name = line.substr(6, line.find('(') - 6);
      const bool stream = line.find("stream ") != std::string::npos;
      const std::string member =
          stream ? absl::StrCat(name, "(const")
                 : absl::StrCat("Unary<v1::", name, "Request,v1::", name, "Response>", name, "{");
      EXPECT_TRUE(absl::StrContains(headers, member)) << "client/include/aquifer lacks " << name;
    }
  }
  EXPECT_GT(methods, 50);
}

}  // namespace
}  // namespace aquifer::client
