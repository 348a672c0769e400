// What Prometheus gets from GET /metrics.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/http_get.h"

namespace aquifer {
namespace {

using testing::Get;
using ::testing::HasSubstr;

class MetricsTest : public testing::EndToEndTest {
 protected:
  void SetUp() override { StartServer({"--port", "0", "--metrics-port", "0"}); }

  std::string Scrape() { return Get(server_->metrics_address(), "/metrics"); }

  grpc::Status Record() {
    grpc::ClientContext context;
    v1::RecordCollectionRequest request;
    *request.mutable_line() = MakeLine("164", 0, 100);
    v1::RecordCollectionResponse response;
    return collections_->RecordCollection(&context, request, &response);
  }
};

TEST_F(MetricsTest, NamesAreTheOnesThatDashboardsGoBy) {
  ASSERT_TRUE(Record().ok());
  std::set<std::string> expected;
  std::ifstream file(AQUIFER_SOURCE_DIR "/tests/end_to_end/metric_names.txt");
  for (std::string line; std::getline(file, line);) expected.insert(line);

  // The call is counted when gRPC is done with it, which is after its answer.
  ASSERT_TRUE(server_->AwaitLog(R"("method":"CollectionRepository.RecordCollection")"));
  std::set<std::string> names;
  for (const absl::string_view line : absl::StrSplit(Scrape(), '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (absl::StartsWith(line, "# TYPE ") && !absl::StartsWith(words[2], "exposer_")) {
      names.insert(absl::StrCat(words[2], " ", words[3]));
    }
  }

  EXPECT_EQ(names, expected);
}

TEST_F(MetricsTest, CallIsCountedWithItsPhasesAndStatements) {
  ASSERT_TRUE(Record().ok());
  grpc::ClientContext context;
  v1::GetCollectionRequest request;
  request.set_id(404);
  v1::GetCollectionResponse response;
  EXPECT_FALSE(collections_->GetCollection(&context, request, &response).ok());
  ASSERT_TRUE(server_->AwaitLog(R"("reason":"COLLECTION_NOT_FOUND")"));

  const std::string metrics = Scrape();

  EXPECT_THAT(metrics, HasSubstr("aquifer_rpcs_total{code=\"OK\","
                                 "method=\"CollectionRepository.RecordCollection\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("aquifer_rpcs_total{code=\"NOT_FOUND\","
                                 "method=\"CollectionRepository.GetCollection\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("aquifer_rpc_phase_seconds_count{phase=\"sql\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("aquifer_statement_seconds_count{statement=\"collections.get"));
  EXPECT_THAT(metrics, HasSubstr("aquifer_pool_connections{state=\"idle\"}"));
  EXPECT_THAT(metrics, HasSubstr("aquifer_ready 1"));
}

TEST_F(MetricsTest, OtherPathsAreNotFound) {
  EXPECT_THAT(Get(server_->metrics_address(), "/"), HasSubstr("404"));
}

TEST_F(MetricsTest, TakenPortStopsTheStartAndSaysSo) {
  const std::string port = server_->metrics_address().substr(10);

  const testing::ServerRun run =
      testing::RunServer({.arguments = {"serve", "--port", "0", "--metrics-port", port,
                                        "--database-url", database_.url()}});

  EXPECT_NE(run.exit_code, 0);
  EXPECT_THAT(run.errors, HasSubstr("metrics_port"));
}

}  // namespace
}  // namespace aquifer
