// Summaries as the server runs them: with the settings they ask for.
#include "aquifer/v1/collection.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/stored_lines.h"

namespace aquifer {
namespace {

class SummaryTest : public testing::EndToEndTest {
 protected:
  // By day and device.
  v1::SummarizeCollectionsResponse Summarize() {
    v1::SummarizeCollectionsRequest request;
    request.add_group_by(v1::GROUPING_DAY);
    request.add_group_by(v1::GROUPING_DEVICE);
    grpc::ClientContext context;
    v1::SummarizeCollectionsResponse response;
    const grpc::Status status = collections_->SummarizeCollections(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

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

  EXPECT_EQ(Summarize().total().lines(), 5000);
}

TEST_F(SummaryTest, SumsOfDaysAnswerAsTheirLinesDoAndShowALateLineAtOnce) {
  InsertLines(database_, {.lines = 500, .start = "2025-01-01 00:00:00", .step = "1 hour"});
  StartServer({});
  const auto of_lines = Summarize();
  ASSERT_EQ(of_lines.total().lines(), 500);

  const testing::ServerRun rebuild =
      testing::RunServer({{"rollup", "rebuild"}, {"DATABASE_URL=" + database_.url()}});
  ASSERT_EQ(rebuild.exit_code, 0) << rebuild.errors;

  EXPECT_EQ(Summarize().DebugString(), of_lines.DebugString());
  v1::RecordCollectionRequest late;
  late.mutable_line()->set_device_id("late");
  late.mutable_line()->set_wall_time("2025-01-03 12:00:00");
  late.mutable_line()->set_banknotes_minor(100);
  grpc::ClientContext context;
  v1::RecordCollectionResponse recorded;
  ASSERT_TRUE(collections_->RecordCollection(&context, late, &recorded).ok());
  EXPECT_EQ(Summarize().total().lines(), 501);
}

}  // namespace
}  // namespace aquifer
