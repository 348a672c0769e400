// Summaries as the server runs them: with the settings they ask for.
#include "aquifer/v1/collection.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer {
namespace {

class SummaryTest : public testing::EndToEndTest {
 protected:
  // Gives the statements of the server's sessions next to no memory, and no room on disk.
  void StartServerWithLittleMemory() {
    for (const char* setting : {"work_mem = ''64kB''", "temp_file_limit = ''64kB''"}) {
      const pqxx::result command =
          database_.Execute(std::string("SELECT format('ALTER DATABASE %I SET ") + setting +
                            "', current_database())");
      database_.Execute(command[0][0].c_str());
    }
    StartServer({});
  }
};

TEST_F(SummaryTest, IsMadeInTheMemoryItAsksFor) {
  database_.Execute(
      "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins) "
      "SELECT 'device-' || n, timestamptz '2026-03-28 12:00:00Z' + n * interval '1 second', 1, 0 "
      "FROM generate_series(1, 5000) AS n");
  StartServerWithLittleMemory();

  v1::SummarizeCollectionsRequest request;
  request.add_group_by(v1::GROUPING_DAY);
  request.add_group_by(v1::GROUPING_DEVICE);
  grpc::ClientContext context;
  v1::SummarizeCollectionsResponse response;
  const grpc::Status status = collections_->SummarizeCollections(&context, request, &response);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.total().lines(), 5000);
}

}  // namespace
}  // namespace aquifer
